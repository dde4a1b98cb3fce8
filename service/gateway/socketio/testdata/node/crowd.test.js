// natslock, and clients of locker-cache that are many, odd or hostile.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask, next, transports, versions } from "./clients.js";
import { serve } from "./natslock.js";

const kinds = Object.keys(versions).flatMap((version) => Object.keys(transports).map((kind) => [version, kind]));

let natslock, data;
before(async () => {
  data = await mkdtemp(join(tmpdir(), "crowd-"));
  natslock = await serve(data);
});
after(async () => {
  await natslock.end("SIGTERM");
  await rm(data, { recursive: true });
});

function tab(realm, client_id, [version, kind] = ["4", "websocket"]) {
  return versions[version](natslock.url, { forceNew: true, transports: transports[kind], query: { realm, client_id }, reconnectionDelay: 50 });
}

async function connected(...args) {
  const socket = tab(...args);
  await next(socket, "connect");
  return socket;
}

const say = async (socket, event, ...args) => (await ask(socket, event, ...args))[0];

test("300 at once: each has its own lock, and one has the lock of all", async () => {
  const sockets = Array.from({ length: 300 }, (_, i) => tab("crowd", `client ${i}`, kinds[i % kinds.length]));
  await Promise.all(sockets.map((socket) => next(socket, "connect")));
  const own = await Promise.all(sockets.map((socket, i) => say(socket, "lock", { resource: { own: i } })));
  assert.ok(own.every(({ result, status }) => result === "ok" && status === "locked"));
  assert.equal(new Set(own.map(({ data }) => data.resourceID)).size, sockets.length);
  const shared = await Promise.all(sockets.map((socket) => say(socket, "lock", { resource: "of all" })));
  const [winner, ...others] = shared.filter(({ result }) => result === "ok");
  assert.equal(others.length, 0);
  for (const { status, data } of shared) {
    assert.equal(status, "locked");
    assert.equal(data.details.client_id, winner.data.details.client_id);
  }
  const table = await say(sockets[0], "lockTable");
  assert.equal(Object.keys(table.crowd).length, sockets.length + 1);
  for (const socket of sockets) socket.close();
  const last = await connected("crowd", "last");
  while (Object.keys(await say(last, "lockTable")).length > 0); // they leave one by one
  last.close();
});

test("a client whose process is killed holds nothing", async () => {
  const children = kinds.map((kind) => spawn(process.execPath, [new URL("killed.js", import.meta.url).pathname, natslock.url, ...kind], { stdio: ["ignore", "pipe", "inherit"] }));
  try {
    for (const child of children) assert.equal(String((await once(child.stdout, "data"))[0]), "locked\n");
    const other = await connected("killed", "other");
    assert.equal(Object.keys((await say(other, "lockTable")).killed).length, kinds.length);
    for (const child of children) child.kill("SIGKILL");
    for (const kind of kinds) {
      while ((await say(other, "lock", { resource: kind.join(" ") })).result !== "ok");
    }
    other.close();
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
});

test("whatever the text, it comes back, and is the same lock for all", async () => {
  const texts = ["", " ", "ä€😀", "\u0000\u001e\u2028\u2029\u007f\ufeff", "\"\\/<&>'", "null", "שלום", "e\u0301", "__proto__", "[CIRCULAR:1]", "x".repeat(400)];
  const [a, b] = [await connected("ä/😀 &?#%", "Ünï 😀"), await connected("ä/😀 &?#%", "b", ["3", "upgrade"])];
  for (const text of texts) {
    const resource = { [text]: [text, { text }], n: [0, -0.5, 1e21, true, null] };
    const taken = await say(a, "lock", { resource, details: { text, [`${text}!`]: [text] } });
    const record = { resource, details: { text, [`${text}!`]: [text], realm: "ä/😀 &?#%", client_id: "Ünï 😀", sids: [a.id] }, resourceID: taken.data.resourceID };
    assert.deepEqual(taken, { result: "ok", status: "locked", data: record });
    assert.deepEqual(await say(b, "lock", { resource }), { result: "error", status: "locked", data: record });
  }
  assert.equal(Object.keys((await say(b, "lockTable"))["ä/😀 &?#%"]).length, texts.length);
  a.close();
  b.close();
});

test("what is too large is refused, and what is beyond a message ends that socket alone", async () => {
  const [a, b] = [await connected("large", "a"), await connected("large", "b")];
  const fits = { resource: 1, details: { text: "x".repeat(4000) } };
  assert.equal((await say(a, "lock", fits)).status, "locked");
  const merged = { resource: 1, details: { more: "x".repeat(200) } };
  assert.deepEqual((await say(a, "lock", merged)).status, "error");
  assert.equal((await say(b, "isLock", { resource: 1 })).data.details.text.length, 4000);
  const large = { resource: 2, details: { text: "x".repeat(5000) } };
  const { message, ...refused } = await say(a, "lock", large);
  assert.deepEqual(refused, { result: "error", status: "error", data: large });
  assert.match(message, /details: .* at most 4096/);
  const gone = next(a, "disconnect"), back = next(a, "connect");
  a.emit("lock", { resource: 3, details: { text: "x".repeat(1_100_000) } });
  await gone;
  assert.equal((await say(b, "isLock", { resource: 3 })).status, "free");
  await back;
  assert.equal((await say(a, "lock", { resource: 4 })).status, "locked");
  a.close();
  b.close();
});

test("requests that make no sense are told so, and do nothing", async () => {
  const socket = await connected("odd", "odd");
  const odd = [
    ["lock"], ["lock", null], ["lock", 1], ["lock", "x"], ["lock", []], ["lock", {}], ["lock", { resource: 1, details: [] }], ["lock", { resource: 1, details: "x" }],
    ["lock", { resource: undefined }], ["isLock"], ["isLock", null], ["isLock", "x"], ["unlock"], ["unlock", null], ["unlock", {}], ["unlock", ""], ["unlock", 7],
    ["forceUnlock"], ["forceUnlock", []], ["forceUnlock", { details: {} }], ["lockTable", 7], ["lockTable", {}], ["lockTable", []], ["lockTable", true],
  ];
  for (const [event, ...args] of odd) {
    const { message, ...answer } = await say(socket, event, ...args);
    const data = args.length > 0 ? JSON.parse(JSON.stringify(args[0])) : null;
    assert.deepEqual(answer, { result: "error", status: "error", data }, `${event} ${JSON.stringify(args)}`);
    assert.ok(message, event);
  }
  const fine = { resource: 1, details: { sids: "x", realm: 7, client_id: [] } }; // which are not the client's to say
  assert.deepEqual((await say(socket, "lock", fine)).data.details, { realm: "odd", client_id: "odd", sids: [socket.id] });
  socket.emit("nothing", 1);
  socket.emit("lockTables");
  assert.equal((await say(socket, "unlock", { resource: 1 })).status, "unlock");
  assert.deepEqual(await say(socket, "lockTable"), {});
  socket.close();
});

test("packets that make no sense end their session, and nothing else", async () => {
  const other = await connected("hostile", "other");
  assert.equal((await say(other, "lock", { resource: "kept" })).status, "locked");
  const bodies = [
    "", "x", "9", "4", "4x", "42", "42{}", "42[]", "42[1", "42[\"lock\",", "4\u001e4", "b", "b!", "bAQ", "40[]", "40{", "43[]", "45", "451-[\"lock\",{\"_placeholder\":true,\"num\":0}]",
    "451-[\"a\"]\u001e42[\"a\"]", "4599999999999999999999-[\"a\"]", "42[\"connect\"]", "42[\"disconnect\"]", "42[null]", "42[{}]", "42/x,[\"lock\"]", "2", "5", "0", "40\u001e40",
    "42" + "[".repeat(20_000), "42[\"lock\",{\"resource\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}]", Buffer.from([0x34, 0x32, 0xff]), Buffer.alloc(60_000), "4" + "9".repeat(60_000), "x".repeat(65_537),
  ];
  for (const body of bodies) {
    const url = `${natslock.url}/socket.io/?EIO=4&transport=polling&realm=hostile`;
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
    const post = (body) => fetch(`${url}&sid=${sid}`, { method: "POST", body }).then((r) => r.text(), () => {}); // the end may come before the answer
    await post("40");
    await (await fetch(`${url}&sid=${sid}`)).text();
    await post(body);
    const answer = await fetch(`${url}&sid=${sid}`);
    const text = await answer.text();
    assert.ok(answer.status === 400 || text.endsWith("1") || text.includes("\"status\":\"error\""), `${String(body).slice(0, 40)}: ${answer.status} ${text.slice(0, 100)}`);
    if (answer.status !== 400) await post("1");
    assert.equal((await say(other, "isLock", { resource: "kept" })).data.details.client_id, "other");
  }
  for (const query of ["", "EIO=4", "EIO=4&transport=x", "EIO=5&transport=polling", "transport=polling", "EIO=4&transport=polling&sid=x", "EIO=4&transport=websocket"]) {
    assert.equal((await fetch(`${natslock.url}/socket.io/?${query}`)).status, 400, query);
  }
  const old = await fetch(`${natslock.url}/socket.io/?EIO=3&transport=polling`);
  assert.deepEqual([old.status, await old.json()], [400, { code: 5, message: "Unsupported protocol version" }]);
  other.close();
});
