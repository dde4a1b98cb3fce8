// The server under test: the program that CONFORMANCE names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const program = process.env.CONFORMANCE;
if (!program) throw new Error("CONFORMANCE is not set: run .ci/socketio.sh");

export async function start(address = "127.0.0.1:0") {
  const child = spawn(
    program,
    ["-addr", address, "-ping-interval", "1s", "-ping-timeout", "30s", "-connect-timeout", "30s"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const at = line.replace("conformance: ready at ", "");
  return {
    at,
    url: `http://${at}`,
    async stop() {
      child.kill("SIGTERM");
      const [code] = await ended;
      if (code !== 0) throw new Error(`the server ended with ${code}`);
    },
  };
}
