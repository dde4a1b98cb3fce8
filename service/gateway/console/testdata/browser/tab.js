// What tests of the console share: a browser, and a page and a realm for each test.
// NATSLOCK_HTTP is the address of a natslock, SCREENSHOTS where pictures go.
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { folder, launch } from "./browser.js";
import { Wire } from "./wire.js";

export const pictures = process.env.SCREENSHOTS;
const port = Number(process.env.NATSLOCK_HTTP.split(":").at(-1));
export const door = `http://127.0.0.1:${port}`;
export const profile = folder("console");
export const wire = new Wire(port);
export let browser, page, realm;
let wrong, tests = 0;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  await wire.mend();
  browser = await launch(profile);
});

after(async () => {
  await browser?.close();
  await wire.cut();
  rmSync(profile, { recursive: true, force: true });
});

// Each test has a realm and a page of its own, and what is wrong with the page fails it.
beforeEach(async () => {
  realm = `console ${++tests}/${process.pid}`;
  wrong = [];
  page = await visit();
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(wrong, []);
});

export async function visit(url = `${wire.url}/console`) {
  const p = await browser.newPage();
  p.setDefaultTimeout(10_000);
  await p.emulateMedia({ colorScheme: "light" });
  p.on("console", (m) => ["error", "warning"].includes(m.type()) && wrong.push(m.text()));
  p.on("pageerror", (e) => wrong.push(String(e)));
  p.on("request", (r) => new URL(r.url()).origin === new URL(url).origin || wrong.push(`a request to ${r.url()}`));
  await p.goto(`${url}?${new URLSearchParams({ realm })}`);
  await live(p);
  return p;
}

export const live = (p, state = "live") => p.locator(`#connection[data-state=${state}]`).waitFor();
export const row = (name, p = page) => p.locator(`.lock[data-name=${JSON.stringify(name)}]`);
export const gone = (name, p = page) => row(name, p).waitFor({ state: "detached" });
export const path = (name) => `/v1/realms/${encodeURIComponent(realm)}/locks/${encodeURIComponent(name)}`;
export const picture = (name, p = page) => p.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });

// told drops what the browser itself has told of what was meant to be.
export const told = (about) => (wrong = wrong.filter((text) => !about.test(text)));

// call makes a call past the browser.
export async function call(method, target, body) {
  const answer = await fetch(door + target, { method, body: body && JSON.stringify(body) });
  return { code: answer.status, ...(await answer.json()) };
}

export const take = (name, fields) => call("POST", path(name), { client: "ann", owner: "job-7", ttl_ms: 60_000, ...fields });
export const inspect = async (name) => (await call("GET", path(name))).locks[0];

// until waits for what no event tells of.
export async function until(ok, what) {
  for (const end = Date.now() + 15_000; !(await ok());) {
    assert.ok(Date.now() < end, `not so: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}
