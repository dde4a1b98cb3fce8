import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { connect } from "./client.js";
import { serve } from "./natslock.js";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let natslock;
const clients = [];
before(async () => { natslock = await serve("--ldlm-rest", "127.0.0.1:0"); });
after(async () => {
  for (const client of clients) client.close();
  assert.equal(await natslock.end(), 0);
});

function client(options) {
  const c = connect(natslock.address, options);
  clients.push(c);
  return c;
}

test("takes, renews and releases a lock", async () => {
  const [a, b] = [client(), client()];
  const { key, error, ...rest } = await a.tryLock({ name: "x", lock_timeout_seconds: 1000 });
  assert.match(key, uuid);
  assert.deepEqual([rest.locked, rest.name, error], [true, "x", undefined]);
  const refused = await b.tryLock({ name: "x" });
  assert.deepEqual([refused.locked, refused.error], [false, undefined]);
  assert.match(refused.key, uuid);
  assert.equal((await b.renew({ name: "x", key, lock_timeout_seconds: 2000 })).locked, true);
  assert.equal((await b.unlock({ name: "x", key })).unlocked, true);
  assert.deepEqual((await b.unlock({ name: "x", key })).error, { code: "InvalidLockKey", message: "invalid lock key" });
});

test("is told what is wrong in the response", async () => {
  const a = client();
  const { key } = await a.lock({ name: "sized", size: 2 });
  const rows = [
    ["lock", { name: "" }, "Unknown", "lock name cannot be empty"],
    ["lock", { name: "y", lock_timeout_seconds: -1 }, "Unknown", "lock timeout must be greater than 0"],
    ["lock", { name: "y", wait_timeout_seconds: -1 }, "Unknown", "wait timeout must be greater than 0"],
    ["tryLock", { name: "y", size: 0 }, "InvalidLockSize", "lock size must be greater than 0"],
    ["tryLock", { name: "sized", size: 3 }, "LockSizeMismatch", "lock size mismatch"],
    ["unlock", { name: "none", key }, "LockDoesNotExist", "a lock by that name does not exist"],
    ["unlock", { name: "sized", key: "wrong" }, "InvalidLockKey", "invalid lock key"],
    ["renew", { name: "sized", key, lock_timeout_seconds: 5 }, "LockDoesNotExistOrInvalidKey", "lock does not exist or invalid key"],
    ["renew", { name: "sized", key }, "Unknown", "lock timeout must be greater than 0"],
  ];
  for (const [method, request, code, message] of rows) {
    assert.deepEqual((await a[method](request)).error, { code, message }, `${method} ${JSON.stringify(request)}`);
  }
  assert.equal((await a.unlock({ name: "sized", key })).unlocked, true);
});

test("waits in turn, for so long", async () => {
  const [a, b] = [client(), client()];
  const { key } = await a.lock({ name: "queue" });
  assert.deepEqual((await b.lock({ name: "queue", wait_timeout_seconds: 1 })).error,
    { code: "LockWaitTimeout", message: "timeout waiting to acquire lock" });
  const waiting = b.lock({ name: "queue" });
  assert.equal((await a.unlock({ name: "queue", key })).unlocked, true);
  const granted = await waiting;
  assert.equal(granted.locked, true);
  assert.equal((await a.tryLock({ name: "queue" })).locked, false);
  assert.equal((await a.unlock({ name: "queue", key: granted.key })).unlocked, true);
});

test("a call that is canceled or whose deadline passes leaves nothing behind", async () => {
  const [a, b] = [client(), client()];
  const { key } = await a.lock({ name: "given up" });
  await assert.rejects(b.lock({ name: "given up" }, { deadline: Date.now() + 200 }), { code: grpc.status.DEADLINE_EXCEEDED });
  const waiting = b.lock({ name: "given up" });
  await b.tryLock({ name: "given up" }); // what is canceled before it is sent, grpc-js sends nevertheless
  waiting.call.cancel();
  await assert.rejects(waiting, { code: grpc.status.CANCELLED });
  await a.unlock({ name: "given up", key });
  const again = await a.lock({ name: "given up", wait_timeout_seconds: 60 });
  assert.equal(again.locked, true);
  await a.unlock({ name: "given up", key: again.key });
});

test("what a connection holds is free when it is closed", async () => {
  const [a, b] = [connect(natslock.address), client()];
  assert.equal((await a.tryLock({ name: "closed" })).locked, true);
  const waiting = b.lock({ name: "closed" });
  a.close();
  assert.equal((await waiting).locked, true);
});

test("what a process holds is free when it is killed", async () => {
  const b = client();
  const holder = spawn(process.execPath, [fileURLToPath(new URL("holder.js", import.meta.url)), natslock.address, "killed"],
    { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await once(holder.stdout, "data");
  assert.equal(String(said).trim(), "locked");
  const waiting = b.lock({ name: "killed" });
  holder.kill("SIGKILL");
  assert.equal((await waiting).locked, true);
});

test("a hundred clients take turns", async () => {
  let inside = 0;
  await Promise.all(Array.from({ length: 100 }, async () => {
    const c = client();
    const { locked, key } = await c.lock({ name: "busy", size: 3 });
    assert.equal(locked, true);
    assert.ok(++inside <= 3);
    await new Promise(setImmediate);
    inside--;
    assert.equal((await c.unlock({ name: "busy", key })).unlocked, true);
  }));
});

test("a client that has a password is let in, others are not", async () => {
  const closed = await serve("--ldlm-password", "sesame");
  const options = { "grpc.max_reconnect_backoff_ms": 1000 };
  const by = (password) => connect(closed.address, { password, options });
  const [none, wrong, right] = [by(), by("Sesame"), by("sesame")];
  await assert.rejects(none.tryLock({ name: "x" }), { code: grpc.status.UNAUTHENTICATED, details: "missing credentials" });
  await assert.rejects(wrong.tryLock({ name: "x" }), { code: grpc.status.UNAUTHENTICATED, details: "invalid credentials" });
  assert.equal((await right.tryLock({ name: "x" })).locked, true);
  assert.equal(await closed.end(), 0);
  await assert.rejects(right.tryLock({ name: "x" }), { code: grpc.status.UNAVAILABLE });
  for (const c of [none, wrong, right]) c.close();
});

test("REST has the same locks", async () => {
  const a = client();
  const url = `http://${natslock.rest}`;
  const begun = await fetch(`${url}/session`, { method: "POST" });
  const { session_id } = await begun.json();
  const post = async (path, body) => (await fetch(url + path,
    { method: "POST", headers: { cookie: `ldlm-session=${session_id}` }, body: JSON.stringify(body) })).json();
  const { locked, key } = await post("/v1/lock", { name: "rest" });
  assert.equal(locked, true);
  assert.equal((await a.tryLock({ name: "rest" })).locked, false);
  assert.deepEqual(await post("/v1/unlock", { name: "rest", key }), { unlocked: true, name: "rest" });
  assert.equal((await a.tryLock({ name: "rest" })).locked, true);
  assert.equal((await post("/v1/lock", { name: "rest" })).locked, false);
  const ended = await fetch(`${url}/session`, { method: "DELETE", headers: { cookie: `ldlm-session=${session_id}` } });
  assert.equal(ended.status, 200);
});
