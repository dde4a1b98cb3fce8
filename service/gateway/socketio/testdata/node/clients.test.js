import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, each, next } from "./clients.js";
import { start } from "./server.js";

let server;
before(async () => { server = await start(); });
after(() => server.stop());

each((kind, io) => {
  const connect = async (path = "/", options = {}) => {
    const socket = io(server.url + path, options);
    await next(socket, "connect");
    return socket;
  };

  test(`${kind}: connects with what it authenticates with`, async () => {
    const socket = io(server.url, { auth: { token: "ä€😀" } });
    const auth = next(socket, "auth");
    await next(socket, "connect");
    assert.deepEqual(await auth, [{ token: "ä€😀" }]);
    socket.close();
  });

  test(`${kind}: is known by its handshake`, async () => {
    const socket = await connect("/clients", { query: { realm: "a b" }, auth: { n: 1 } });
    assert.deepEqual(await ask(socket, "handshake"), [socket.id, "a b", { n: 1 }]);
    socket.close();
  });

  test(`${kind}: gets its events back`, async () => {
    const socket = await connect();
    const args = [1, "2", { 3: [true, null], nested: { text: "ä\u001e\u2028😀<&>" } }, -0.5, Number.MAX_SAFE_INTEGER];
    const back = next(socket, "message-back");
    socket.emit("message", ...args);
    assert.deepEqual(await back, args);
    assert.deepEqual(await ask(socket, "message-with-ack", ...args), args);
    assert.deepEqual(await ask(socket, "message-with-ack"), []);
    socket.close();
  });

  test(`${kind}: gets its bytes back`, async () => {
    const socket = await connect();
    const args = [Buffer.from([0, 30, 255]), "text", Buffer.alloc(70_000, 7)];
    const back = next(socket, "message-back");
    socket.emit("message", ...args);
    assert.deepEqual(await back, args);
    assert.deepEqual(await ask(socket, "message-with-ack", ...args), args);
    socket.close();
  });

  test(`${kind}: acknowledges`, async () => {
    const socket = await connect("/clients");
    socket.on("question", (what, answer) => answer(what, "it is"));
    const answer = next(socket, "answer");
    socket.emit("ask", "what");
    assert.deepEqual(await answer, ["what", "it is"]);
    socket.close();
  });

  test(`${kind}: is in several namespaces`, async () => {
    const first = await connect();
    const second = first.io.socket("/custom");
    await next(second, "connect");
    assert.notEqual(first.id, second.id);
    assert.deepEqual(await ask(second, "message-with-ack", 2), [2]);
    const left = next(second, "disconnect");
    second.close();
    assert.equal((await left)[0], "io client disconnect");
    assert.deepEqual(await ask(first, "message-with-ack", 1), [1]);
    first.close();
  });

  test(`${kind}: is refused`, async () => {
    const socket = io(server.url + "/nowhere");
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "Invalid namespace");
    socket.close();
  });

  test(`${kind}: stays away when it is kicked`, async () => {
    const socket = await connect("/clients");
    const kicked = next(socket, "kicked");
    const gone = next(socket, "disconnect");
    socket.emit("kick");
    await kicked;
    assert.equal((await gone)[0], "io server disconnect");
    assert.equal(socket.active, false);
    socket.connect();
    await next(socket, "connect");
    socket.close();
  });

  test(`${kind}: answers pings`, async () => {
    const socket = await connect();
    await new Promise((resolve) => {
      let pings = 0;
      socket.io.engine.on("packet", ({ type }) => { if (type === "ping" && ++pings === 2) resolve(); });
    });
    assert.deepEqual(await ask(socket, "message-with-ack", "alive"), ["alive"]);
    socket.close();
  });

  test(`${kind}: comes back to a server that restarts`, async () => {
    const first = await start();
    const socket = io(first.url);
    await next(socket, "connect");
    const { id } = socket;
    const gone = next(socket, "disconnect");
    await first.stop();
    assert.equal((await gone)[0], "transport close");
    const back = next(socket, "connect");
    const second = await start(first.at);
    await back;
    assert.notEqual(socket.id, id);
    assert.deepEqual(await ask(socket, "message-with-ack", "alive"), ["alive"]);
    socket.close();
    await second.stop();
  });
});
