// The console in a browser: what a tab of it holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, gone, inspect, live, page, path, row, take, told, until, visit, wire } from "./tab.js";

test("a tab locks, keeps and unlocks", async () => {
  await page.fill("[name=name]", "mine");
  await page.fill("[name=client]", "eve");
  await page.selectOption("[name=ttl]", "10000");
  await page.click("#take button");
  await row("mine").locator(".you").waitFor();
  const { holders: [{ client, token, ttl_ms, expires_in_ms: at }] } = await inspect("mine");
  assert.deepEqual([client, ttl_ms], ["eve", 10_000]);
  assert.equal(await page.locator("#mine").innerText(), "this tab holds 1");
  const refused = await take("mine");
  assert.deepEqual([refused.code, refused.status, refused.holders[0].client], [409, "held", "eve"]);
  let last = at;
  await until(async () => {
    const { expires_in_ms: now } = (await inspect("mine")).holders[0];
    return now > last || ((last = now), false);
  }, "it is renewed");
  assert.equal((await inspect("mine")).holders[0].token, token);
  await row("mine").getByRole("button", { name: "Unlock mine" }).click();
  await gone("mine");
  assert.equal((await inspect("mine")).held, false);
  assert.equal(await page.locator("#mine").innerText(), "");
});

test("a closed tab gives back what it holds", async () => {
  const other = await visit();
  await other.fill("[name=name]", "tab");
  await other.click("#take button");
  await row("tab").waitFor();
  assert.equal(await row("tab").locator(".you").count(), 0); // it is the other tab's
  await other.close();
  const begun = Date.now();
  await gone("tab");
  assert.ok(Date.now() - begun < 15_000, "before its TTL has passed");
  assert.equal(await page.locator("#events .type[data-type=released]").count(), 1);
});

test("a tab waits its turn, and can stop", async () => {
  const { token } = await take("busy");
  await page.fill("[name=name]", "busy");
  await page.click("#take button");
  await page.locator("#said", { hasText: "busy is held by ann (job-7)." }).waitFor();
  await page.selectOption("[name=wait]", "30000");
  await page.click("#take button");
  await row("busy").locator(".waiters li").waitFor();
  await page.getByRole("button", { name: "Stop waiting" }).click();
  await row("busy").locator(".waiters").waitFor({ state: "detached" });
  await page.click("#take button");
  await row("busy").locator(".waiters li").waitFor();
  await call("DELETE", `${path("busy")}?token=${token}`);
  await row("busy").locator(".you").waitFor();
  told(/status of 409/);
});

// lock has the tab take a lock whose next renewal is far off, and returns its token.
async function lock(name) {
  await page.selectOption("[name=ttl]", "120000"); // renewed after 40 s, when no test waits any more
  await page.fill("[name=name]", name);
  await page.fill("[name=client]", "eve");
  await page.click("#take button");
  await row(name).locator(".you").waitFor();
  return (await inspect(name)).holders[0].token;
}

const said = (text) => page.locator("#said", { hasText: text }).waitFor();

// holdsNone sees that nothing on the page says that the tab holds something.
async function holdsNone() {
  assert.equal(await page.locator("#mine").innerText(), "");
  assert.equal(await page.locator(".you, .mine").count(), 0);
  assert.equal(await page.getByRole("button", { name: /^Unlock/ }).count(), 0);
}

test("a tab is told at once that its hold has ended, and how", async () => {
  await lock("f1");
  const next = take("f1", { client: "bob", owner: "bob", wait_ms: 60_000 });
  await row("f1").locator(".waiters li").waitFor();
  await call("POST", `${path("f1")}/force`, { client: "ann", reason: "its machine is gone" });
  await said("f1 was ended by force: its machine is gone.");
  await holdsNone();
  await row("f1").locator(".client", { hasText: "bob" }).waitFor();
  assert.equal((await inspect("f1")).holders[0].token, (await next).token);
  assert.equal(await page.locator("#said").innerText(), "f1 was ended by force: its machine is gone.");
  const token = await lock("g1");
  assert.equal(await page.locator("#mine").innerText(), "this tab holds 1");
  await call("DELETE", `${path("g1")}?token=${token}`);
  await said("g1 was given back elsewhere.");
  await holdsNone();
});

test("a tab that has missed the events sees by the list that its holds have ended", async () => {
  await lock("gone");
  await lock("passed");
  assert.equal(await page.locator("#mine").innerText(), "this tab holds 2");
  await wire.cut();
  await live(page, "lost");
  for (const name of ["gone", "passed"]) await call("POST", `${path(name)}/force`, {});
  await take("passed", { client: "bob", owner: "bob" });
  await wire.mend();
  await said("passed is not held by this tab any more, but by bob.");
  await said("gone is not held by this tab any more.");
  await holdsNone();
  assert.equal(await page.locator("#events .type[data-type=forced]").count(), 0);
  told(/status of 410|ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET|NETWORK)/);
});

test("what could not be renewed in time is lost, all over the page", async () => {
  await lock("r1");
  await lock("r2");
  await wire.cut();
  await live(page, "lost");
  assert.equal(await row("r1").locator(".you").count(), 1); // it may still be renewed
  await page.evaluate(() => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 121_000;
  });
  await said("r1 is lost: it could not be renewed in time. r2 is lost: it could not be renewed in time.");
  await holdsNone();
  assert.ok(await row("r1").getByRole("button", { name: "Force unlock r1" }).isVisible()); // shown as it was, but as somebody's
  await wire.mend();
  await live(page);
  told(/ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET|NETWORK)/);
});

test("what could not be given back is not said to be", async () => {
  await lock("kept");
  await wire.cut();
  await live(page, "lost");
  await row("kept").getByRole("button", { name: "Unlock kept" }).click();
  await said("kept ends by its TTL: natslock does not answer");
  await holdsNone();
  await wire.mend();
  await live(page);
  await row("kept").getByRole("button", { name: "Force unlock kept" }).waitFor();
  told(/ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET|NETWORK)/);
});

test("what natslock refuses to release is still held", async () => {
  const token = await lock("busy");
  const refusal = JSON.stringify({ status: "limit", message: "too many requests" });
  await page.route("**/locks/busy?token=*", (route) => route.fulfill({ status: 429, contentType: "application/json", body: refusal }));
  await row("busy").getByRole("button", { name: "Unlock busy" }).click();
  await said("busy: too many requests");
  await row("busy").locator(".you").waitFor();
  assert.equal(await page.locator("#mine").innerText(), "this tab holds 1");
  assert.equal((await inspect("busy")).holders[0].token, token);
  await page.unroute("**/locks/busy?token=*");
  await row("busy").getByRole("button", { name: "Unlock busy" }).click();
  await said("busy is given back.");
  await gone("busy");
  told(/status of 429/);
});

test("a tab that is reloaded gives back what it holds, and says so", async () => {
  await page.locator("#take .hint", { hasText: "given back when it is closed or reloaded" }).waitFor();
  await lock("a");
  await lock("b");
  await page.reload();
  await said("a, b were given back when this page was left.");
  await page.locator("#none", { hasText: "Nothing is held." }).waitFor();
  await holdsNone();
  await page.reload();
  await live(page);
  assert.equal(await page.locator("#said").innerText(), "");
});
