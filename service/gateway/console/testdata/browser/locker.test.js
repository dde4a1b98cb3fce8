// A page that speaks to locker-cache, pointed at natslock: nothing in it is natslock's
// but the address of its script.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { folder, launch, serve } from "./browser.js";
import { site } from "./site.js";

const html = readFileSync(new URL("locker.html", import.meta.url), "utf8");
const data = folder("locker"), profile = folder("locker-profile");
let browser, natslock, same, other, pages = [], wrong = [];

before(async () => {
  same = await site(() => html.replace("SCRIPT", "/socket.io/socket.io.js").replace("SERVER", "/"), () => natslock.url);
  other = await site(() => html.replace("SCRIPT", `${natslock.url}/socket.io/socket.io.min.js`).replace("SERVER", natslock.url));
  natslock = await serve(`${data}/store`, { NATSLOCK_HTTP_ORIGIN: other.url });
  browser = await launch(profile);
});

after(async () => {
  await browser?.close();
  await natslock?.end();
  same.close();
  other.close();
  for (const path of [data, profile]) rmSync(path, { recursive: true, force: true });
});

afterEach(async () => {
  for (const page of pages) await page.close();
  pages = [];
  assert.deepEqual(wrong, []);
});

// visit opens the page, and says who is there.
async function visit(from, realm, client, { query = "", name = client } = {}) {
  const page = await browser.newPage();
  pages.push(page);
  page.setDefaultTimeout(10_000);
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && wrong.push(m.text()));
  page.on("pageerror", (e) => wrong.push(String(e)));
  await page.goto(`${from}/page?${query}`);
  for (const [id, text] of Object.entries({ realm, client_id: client, nickname: name, entity_name: "orders", entity_id: "42" })) await page.fill(`#${id}`, text);
  await page.click("#connectSocket");
  await page.locator("#client_socket_id", { hasText: /./ }).waitFor();
  return page;
}

const id = "aac108da1d2f83cc27bd00482d9f49fa00f0a4e8";
const said = (page, text) => page.locator("#resultLock", { hasText: text }).waitFor();
const listed = (page, text) => page.locator("#resources", { hasText: text }).waitFor();
const empty = (page) => page.locator("#resources:empty").waitFor({ state: "attached" });
const lists = async (page, text) => {
  for (;;) { // nobody tells it of others
    await page.click("#getResources");
    const now = await page.locator("#resources").innerText();
    if (text === "" ? now === "" : now.includes(text)) return;
    await page.waitForTimeout(25);
  }
};

for (const [where, from] of [["with natslock behind its own address", () => same.url], ["of another site", () => other.url]]) {
  test(`a page ${where} locks, unlocks, lists and forces`, async () => {
    const realm = where, ann = await visit(from(), realm, "1", { name: "Ann" });
    await ann.click("#isLock");
    await said(ann, "isLock: ok free");
    await ann.click("#lockObj");
    await said(ann, `lock: ok locked ${id}`);
    await listed(ann, "orders/42: Ann (1), 1");
    assert.equal(await ann.locator("#timerList").innerText(), id);

    const bob = await visit(from(), realm, "2", { name: "Bob" });
    await bob.click("#getResources");
    await listed(bob, "orders/42: Ann (1), 1");
    await bob.click("#lockObj");
    await said(bob, `lock: error locked ${id}`);
    await bob.click("#UnlockObj");
    await said(bob, `unlock: error locked ${id}`);
    await bob.click("#isLock");
    await said(bob, `isLock: ok locked ${id}`);

    const tab = await visit(from(), realm, "1", { name: "Ann" });
    await tab.click("#lockObj");
    await said(tab, `lock: ok already ${id}`);
    await listed(tab, "orders/42: Ann (1), 2");
    await ann.click("#UnlockObj");
    await said(ann, `unlock: ok locked ${id}`);
    await tab.click("#UnlockObj");
    await said(tab, `unlock: ok unlock ${id}`);
    await empty(tab);

    await ann.click("#lockObj");
    await said(ann, `lock: ok locked ${id}`);
    await bob.click("#ForceUnlockObj");
    await said(bob, `forceUnlock: ok unlock ${id}`);
    await empty(bob);
    await bob.click("#ForceUnlockObj"); // of what is free
    await said(bob, `forceUnlock: ok unlock ${id}`);
    await bob.click("#lockObj");
    await said(bob, `lock: ok locked ${id}`);
    await listed(bob, "orders/42: Bob (2), 1");
  });
}

test("a page that is closed or disconnects holds nothing", async () => {
  const [ann, bob] = [await visit(same.url, "closed", "1"), await visit(same.url, "closed", "2")];
  await ann.click("#lockObj");
  await lists(bob, "orders/42: 1 (1), 1");
  await ann.close();
  pages = pages.filter((p) => p !== ann);
  await lists(bob, "");
  await bob.click("#lockObj");
  await said(bob, "lock: ok locked");
  const cid = await visit(same.url, "closed", "3");
  await lists(cid, "(2), 1");
  await bob.click("#disconnectSocket");
  await lists(cid, "");
});

test("a page keeps its lock, and who holds it stays known", async () => {
  const ann = await visit(same.url, "kept", "1", { query: "every=200", name: "Ann" });
  await ann.click("#lockObj");
  await said(ann, `lock: ok already ${id}`); // by its timer
  await listed(ann, "orders/42: Ann (1), 1");
});
