import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, next, transports, versions } from "./clients.js";
import { start } from "./server.js";

let server;
before(async () => { server = await start(); });
after(() => server.stop());

test("300 clients of all kinds at once", async () => {
  const kinds = Object.values(versions).flatMap((io) => Object.values(transports).map((list) => [io, list]));
  const sockets = Array.from({ length: 300 }, (_, i) => {
    const [io, list] = kinds[i % kinds.length];
    return io(server.url, { forceNew: true, transports: list });
  });
  await Promise.all(sockets.map((socket) => next(socket, "connect")));
  assert.equal(new Set(sockets.map((socket) => socket.id)).size, sockets.length);
  const answers = await Promise.all(sockets.map((socket, i) => ask(socket, "message-with-ack", i, socket.id)));
  assert.deepEqual(answers, sockets.map((socket, i) => [i, socket.id]));
  for (const socket of sockets) socket.close();
});

test("a client of Engine.IO 3 is told so", async () => {
  const response = await fetch(`${server.url}/socket.io/?EIO=3&transport=polling`);
  assert.equal(response.status, 400);
  assert.deepEqual(await response.json(), { code: 5, message: "Unsupported protocol version" });
});

// open begins a session by hand.
async function open() {
  const url = `${server.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
  return { post: (body) => fetch(`${url}&sid=${sid}`, { method: "POST", body }), poll: () => fetch(`${url}&sid=${sid}`) };
}

test("malformed payloads end their session, and nothing else", { timeout: 60_000 }, async () => {
  const witness = versions[4](server.url, { forceNew: true });
  try {
    await next(witness, "connect");
    const bodies = [
      "", "x", "4", "4x", "42", "42{}", "42[]", "4\u001e4", "b", "bAQ", "40[]", "40{", "43[]", "45", "451-[\"a\"]\u001e42[\"a\"]",
      "4599-[\"a\"]\u001e42[\"a\"]", "42[\"connect\"]", "2", "5", "0", "42" + "[".repeat(50_000), Buffer.from([0x34, 0xff]),
      Buffer.alloc(100_000), "4" + "9".repeat(100_000), "40\u001e40", "41", "x".repeat(1_000_001),
    ];
    for (const body of bodies) {
      const session = await open();
      await session.post(body).then((r) => r.text(), () => {}); // the end may come before the answer
      const answer = await session.poll();
      const text = await answer.text();
      assert.ok(answer.status === 400 || text.endsWith("1"), `${String(body).slice(0, 20)}: ${answer.status} ${text}`);
      assert.deepEqual(await ask(witness, "message-with-ack", "alive"), ["alive"]);
    }
  } finally {
    witness.close();
  }
});

test("what is large, or has more bytes than are kept, ends nothing", { timeout: 60_000 }, async () => {
  const attachments = "\u001ebAQ==".repeat(99);
  for (const body of [`42["a","${"x".repeat(900_000)}"]`, "4599-[\"a\"]" + attachments, "4599-7[\"message-with-ack\"]" + attachments]) {
    const session = await open();
    assert.equal((await session.post("40")).status, 200);
    assert.equal((await session.post(body)).status, 200, body.slice(0, 20));
    assert.equal((await session.post("421[\"message-with-ack\",\"alive\"]")).status, 200, body.slice(0, 20));
    let text = "";
    while (!text.includes("431[\"alive\"]")) {
      const answer = await session.poll();
      assert.equal(answer.status, 200, body.slice(0, 20));
      text += await answer.text();
      if (text.endsWith("\u001e2") || text === "2") await session.post("3");
    }
    await session.post("1");
  }
});
