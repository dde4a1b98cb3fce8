// What cannot be taken is refused by itself: the tab keeps its connection and its locks.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask, each, next } from "./clients.js";
import { serve } from "./natslock.js";

let natslock, data;
before(async () => {
  data = await mkdtemp(join(tmpdir(), "unfit-"));
  natslock = await serve(data);
});
after(async () => {
  await natslock.end("SIGTERM");
  await rm(data, { recursive: true });
});

async function counted() {
  const metrics = await (await fetch(`${natslock.url}/metrics`)).text();
  return Number(metrics.match(/natslock_door_refused_total\{door="socketio",limit="size"\} (\d+)/)[1]);
}

each((kind, io) => {
  test(`${kind}: what is too large or has bytes is refused alone`, async () => {
    const socket = io(natslock.url, { query: { realm: kind, client_id: "ann" } });
    await next(socket, "connect");
    socket.on("disconnect", (reason) => assert.fail(reason));
    const [held] = await ask(socket, "lock", { resource: "held" });
    assert.equal(held.status, "locked");
    const before = await counted();
    for (const [what, details] of Object.entries({
      large: { x: "x".repeat(70_000) },
      "characters of several bytes": { x: "€".repeat(300_000) },
      bytes: { x: Buffer.from([1, 2, 3]) },
      "many bytes": { x: Buffer.alloc(600_000), y: [Buffer.alloc(1), Buffer.alloc(0)] },
    })) {
      const emitted = next(socket, "lock");
      const [answer] = await ask(socket, "lock", { resource: "other", details });
      assert.deepEqual(await emitted, [answer], what);
      assert.deepEqual([answer.result, answer.status], ["error", "error"], what);
      assert.match(answer.message, what === "bytes" ? /without bytes/ : /more than 65536 bytes/, what);
    }
    // Many at once, which a client of version 3 polls with in one request.
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) =>
      ask(socket, "isLock", { resource: n, details: { x: "x".repeat(3000) } })));
    for (const [n, [answer]] of answers.entries()) {
      assert.deepEqual([answer.status, answer.data.resource], ["free", n]);
    }
    assert.deepEqual(await ask(socket, "lockTable"), [{ [kind]: { [held.data.resourceID]: held.data } }]);
    assert.equal(await counted() - before, 3);
    socket.off("disconnect");
    socket.close();
  });
});
