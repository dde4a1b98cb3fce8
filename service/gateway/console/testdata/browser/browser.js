// A browser, and a natslock.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// launch opens a browser with a profile of its own.
export function launch(profile) {
  return chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    viewport: { width: 1280, height: 800 },
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}

export const folder = (name) => mkdtempSync(join(tmpdir(), `natslock-${name}-`));

// serve starts a natslock with some settings, and resolves when it is ready.
export async function serve(data, settings) {
  const address = { NATSLOCK_NATS: "127.0.0.1:0", NATSLOCK_HTTP: "127.0.0.1:0", NATSLOCK_DATA: data };
  const child = spawn(process.env.NATSLOCK, ["serve"], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...address, ...settings } });
  const ended = new Promise((done) => child.once("exit", done));
  let log = "";
  for await (const part of child.stderr.setEncoding("utf8")) {
    if ((log += part).includes("natslock: ready\n")) break;
  }
  return {
    url: /msg="http listens" url=(\S+)/.exec(log)[1],
    end() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}
