// natslock, as it is served: the program that NATSLOCK names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = process.env.NATSLOCK;
if (!program) throw new Error("NATSLOCK is not set: run .ci/ldlm.sh");

export async function serve(...flags) {
  const data = await mkdtemp(join(tmpdir(), "ldlm-"));
  const child = spawn(
    program,
    ["serve", "--data", data, "--nats", "127.0.0.1:0", "--http", "", "--ldlm", "127.0.0.1:0", "--drain", "2s", ...flags],
    { stdio: ["ignore", "inherit", "pipe"] },
  );
  const ended = once(child, "exit");
  const seen = {};
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr })
      .on("line", (line) => {
        seen.address ??= line.match(/ldlm listens.*addr=(\S+)/)?.[1];
        seen.rest ??= line.match(/ldlm rest listens.*addr=(\S+)/)?.[1];
        if (line.startsWith("natslock: ready")) resolve();
      })
      .on("close", () => reject(new Error("natslock ended before it was ready")));
  });
  return {
    ...seen,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      const [code] = await ended;
      await rm(data, { recursive: true });
      return code;
    },
  };
}
