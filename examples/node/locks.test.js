import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { connect, nuid } from "@nats-io/transport-node";
import { Locks, Refused } from "./locks.js";

let nc;
before(async () => {
  nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
});
after(() => nc.close());

const fresh = (options) => new Locks(nc, { realm: "node-test", ...options });

test("a waiter is granted in its turn, with a larger token", async () => {
  const name = nuid.next();
  const first = await fresh().acquire(name);
  const order = [];
  const waiting = [];
  for (const who of ["second", "third"]) {
    waiting.push(fresh().with(name, (lock) => order.push([who, lock.token]), { wait: 10_000 }));
    await queued(name, waiting.length);
  }
  await first.release();
  await Promise.all(waiting);
  assert.deepEqual(order.map(([who]) => who), ["second", "third"]);
  assert.ok(first.token < order[0][1] && order[0][1] < order[1][1]);
});

test("a lock that somebody has is refused, and says who", async () => {
  const name = nuid.next();
  await fresh({ client: "ann" }).with(name, async () => {
    await assert.rejects(fresh().acquire(name), (error) => {
      assert.ok(error instanceof Refused);
      assert.equal(error.reply.status, "held");
      assert.equal(error.reply.holders[0].client, "ann");
      return true;
    });
  });
});

test("the lock is released when the work fails", async () => {
  const name = nuid.next();
  await assert.rejects(fresh().with(name, () => Promise.reject(new Error("broken"))), /broken/);
  await (await fresh().acquire(name)).release();
});

test("the signal aborts when the lock is taken away", async () => {
  const name = nuid.next();
  const lock = await fresh({ ttl: 1_500 }).acquire(name);
  await fresh().ask("force", { name, reason: "test" });
  if (!lock.signal.aborted) await once(lock.signal, "abort");
  assert.match(lock.signal.reason.message, /not_held/);
});

test("a lock is kept beyond its TTL", async () => {
  const name = nuid.next();
  const lock = await fresh({ ttl: 300 }).acquire(name);
  const { token } = (await fresh().ask("inspect", { name })).locks[0].holders[0];
  await assert.rejects(fresh().acquire(name, { wait: 1_000 }), /timeout/);
  assert.equal(token, lock.token);
  assert.ok(!lock.signal.aborted);
  await lock.release();
});

test("a request that makes no sense says what is wrong with it", async () => {
  await assert.rejects(fresh().acquire(""), /invalid: .*name/);
});

// queued resolves when a lock has that many waiters.
async function queued(name, count) {
  for (;;) {
    const [lock] = (await fresh().ask("inspect", { name })).locks;
    if (lock.waiters?.length === count) return;
  }
}

test("the report says in one line that nobody answers", () => {
  const env = { ...process.env, NATS_URL: "127.0.0.1:1" };
  const { status, stderr } = spawnSync(process.execPath, ["report.js"], { cwd: import.meta.dirname, env, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stderr, /^no report: [^\n]+\n$/);
});
