import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask, each, next } from "./clients.js";
import { serve } from "./natslock.js";

const resource = { entity: "orders", entityID: "42" };
const resourceID = "aac108da1d2f83cc27bd00482d9f49fa00f0a4e8";

let natslock, data;
before(async () => {
  data = await mkdtemp(join(tmpdir(), "locker-"));
  natslock = await serve(data);
});
after(async () => {
  await natslock.end("SIGTERM");
  await rm(data, { recursive: true });
});

// both asks by an event, and resolves with the answer, which comes both ways.
async function both(socket, event, ...args) {
  const emitted = next(socket, event);
  const acknowledged = await ask(socket, event, ...args);
  assert.deepEqual(await emitted, acknowledged);
  assert.equal(acknowledged.length, 1);
  return acknowledged[0];
}

each((kind, io) => {
  const realm = kind;
  const tab = async (client_id) => {
    const socket = io(natslock.url, { query: { realm, client_id } });
    await next(socket, "connect");
    return socket;
  };
  const record = (client_id, sids, details = {}) =>
    ({ resource, details: { ...details, realm, client_id, sids }, resourceID });
  const freed = async (socket) => {
    while ((await both(socket, "isLock", { resource })).status !== "free");
  };

  test(`${kind}: every row of the table`, async () => {
    const [a, b] = [await tab(42), await tab("bob")];
    const details = { userName: "Ann" };
    const want = async (socket, event, arg, result, status, data) =>
      assert.deepEqual(await both(socket, event, arg), { result, status, data }, event);

    await want(a, "isLock", { resource }, "ok", "free", { resource });
    await want(a, "isLock", { resource, details }, "ok", "free",
      { resource, details: { ...details, realm, client_id: "42", sids: [null] } });
    await want(a, "unlock", { resource }, "error", "not_locked", { resource });
    await want(a, "unlock", resourceID, "error", "not_locked", resourceID);
    await want(a, "forceUnlock", { resource }, "ok", "unlock", { resource, resourceID });
    assert.deepEqual(await both(a, "lockTable"), {});

    await want(a, "lock", { resource, details }, "ok", "locked", record("42", [a.id], details));
    await want(a, "lock", { resource, details: { updateTime: 1 } }, "ok", "already", record("42", [a.id], details));
    const held = record("42", [a.id], { ...details, updateTime: 1 });
    await want(b, "lock", { resource }, "error", "locked", held);
    await want(b, "isLock", { resource }, "ok", "locked", held);
    await want(b, "unlock", resourceID, "error", "locked", held);
    assert.deepEqual(await both(b, "lockTable", realm), { [realm]: { [resourceID]: held } });
    assert.deepEqual(await both(b, "lockTable"), { [realm]: { [resourceID]: held } });
    await want(a, "unlock", { resource }, "ok", "unlock", { ...held, details: { ...held.details, sids: [] } });
    await want(b, "lock", { resource }, "ok", "locked", record("bob", [b.id]));
    await want(a, "forceUnlock", resourceID, "ok", "unlock", record("bob", [b.id]));
    const wrong = await both(a, "lock", null);
    assert.deepEqual([wrong.result, wrong.status, wrong.data], ["error", "error", null]);
    a.close();
    b.close();
  });

  test(`${kind}: three tabs close in every order`, async () => {
    const other = await tab("other");
    for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
      const tabs = [];
      for (let i = 0; i < 3; i++) {
        tabs.push(await tab("ann"));
        await both(tabs[i], "lock", { resource });
      }
      let sids = tabs.map((t) => t.id);
      for (const i of order) {
        sids = sids.filter((sid) => sid !== tabs[i].id);
        tabs[i].close();
        if (sids.length === 0) break;
        let answer;
        do {
          answer = await both(other, "lock", { resource });
          assert.equal(answer.result, "error");
        } while (answer.data.details.sids.length > sids.length);
        assert.deepEqual(answer.data, record("ann", sids));
      }
      await freed(other);
    }
    other.close();
  });

  test(`${kind}: who reconnects locks again`, async () => {
    const a = await tab("ann");
    await both(a, "lock", { resource });
    const before = a.id;
    const back = next(a, "connect");
    a.io.engine.close();
    await back;
    assert.notEqual(a.id, before);
    const answer = await both(a, "lock", { resource });
    assert.equal(answer.result, "ok");
    assert.ok(answer.data.details.sids.includes(a.id));
    await both(a, "forceUnlock", resourceID);
    a.close();
  });

  test(`${kind}: a killed natslock loses no lock`, async () => {
    const a = await tab("ann");
    await both(a, "lock", { resource });
    const back = next(a, "connect");
    await natslock.end("SIGKILL");
    natslock = await serve(data, new URL(natslock.url).host);
    await back;
    const answer = await both(a, "lock", { resource });
    assert.deepEqual([answer.result, answer.status], ["ok", "already"]);
    assert.ok(answer.data.details.sids.includes(a.id));
    await both(a, "forceUnlock", { resource });
    a.close();
  });
});
