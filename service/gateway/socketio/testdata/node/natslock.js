// natslock, as it is served: the program that NATSLOCK names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const program = process.env.NATSLOCK;
if (!program) throw new Error("NATSLOCK is not set: run .ci/socketio.sh");

export async function serve(data, address = "127.0.0.1:0") {
  const child = spawn(
    program,
    ["serve", "--data", data, "--nats", "127.0.0.1:0", "--http", address, "--drain", "2s"],
    { stdio: ["ignore", "inherit", "pipe"] },
  );
  const ended = once(child, "exit");
  let url;
  const ready = deferred();
  createInterface({ input: child.stderr })
    .on("line", (line) => {
      url ??= line.match(/http listens.*url=(\S+)/)?.[1];
      if (line.startsWith("natslock: ready")) ready.resolve();
    })
    .on("close", () => ready.reject(new Error("natslock ended before it was ready")));
  await ready.promise;
  return {
    url,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

function deferred() {
  const d = {};
  d.promise = new Promise((resolve, reject) => Object.assign(d, { resolve, reject }));
  return d;
}
