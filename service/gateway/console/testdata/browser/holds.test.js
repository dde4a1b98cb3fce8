// The console in a browser: what a tab of it holds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { call, gone, inspect, page, path, row, take, told, until, visit } from "./tab.js";

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
