import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { next, transports, versions } from "./clients.js";
import { start } from "./server.js";

let server;
before(async () => { server = await start(); });
after(() => server.stop());

const rounds = 100; // for each version
const most = 5000; // numbers, should the upgrade never end

// talk sends and receives numbers from before the upgrade until after it.
async function talk(io) {
  const socket = io(server.url + "/clients", { forceNew: true, transports: transports.upgrade });
  const root = socket.io.socket("/");
  const got = [];
  const counted = [];
  root.on("message-back", (number) => got.push(number));
  socket.on("number", (number) => counted.push(number));
  let upgraded = false;
  socket.io.on("open", () => socket.io.engine.once("upgrade", () => { upgraded = true; }));
  await Promise.all([next(socket, "connect"), next(root, "connect")]);
  socket.emit("count", 100);
  let sent = 0;
  for (let after = 0; after < 10 && sent < most; after += upgraded ? 1 : 0) {
    root.emit("message", sent++);
    await new Promise(setImmediate);
  }
  while (got.length < sent || counted.length < 100) await Promise.race([next(root, "message-back"), next(socket, "number")]);
  assert.ok(upgraded, "no upgrade");
  assert.equal(socket.io.engine.transport.name, "websocket");
  assert.deepEqual(got, Array.from({ length: sent }, (_, i) => i));
  assert.deepEqual(counted, Array.from({ length: 100 }, (_, i) => i));
  socket.io._close();
}

for (const [version, io] of Object.entries(versions)) {
  test(`socket.io-client ${version}: nothing is lost or overtaken in ${rounds} upgrades`, async () => {
    for (let round = 0; round < rounds; round += 10) {
      await Promise.all(Array.from({ length: 10 }, () => talk(io)));
    }
  });
}
