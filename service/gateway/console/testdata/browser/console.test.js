// The console in a browser: what it shows.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { serve } from "./browser.js";
import { browser, call, door, gone, inspect, live, page, path, picture, profile, realm, row, take, told, until, visit, wire } from "./tab.js";

test("a lock taken elsewhere appears at once, counts down, and goes", async () => {
  const after = [], names = ["one", "two", "three", "four", "five"];
  for (const name of names) { // a machine may be busy; but who only looks now and then is in time once
    await take(name);
    const begun = Date.now();
    await row(name).waitFor();
    after.push(Date.now() - begun);
  }
  assert.ok(after.toSorted((a, b) => a - b)[1] < 1000, `after ${after} ms`);
  const granted = await take("deploy/<b>eu</b>", { ttl_ms: 50_000, meta: { ticket: "OPS-7" } });
  await row("deploy/<b>eu</b>").waitFor();
  const text = await row("deploy/<b>eu</b>").innerText();
  for (const part of ["deploy/<b>eu</b>", "exclusive", "ann", "job-7", "ticket: OPS-7", String(granted.token)]) assert.ok(text.includes(part), `${part} in ${text}`);
  const left = async () => parseInt(await row("deploy/<b>eu</b>").locator(".left time").innerText(), 10);
  const later = []; // what is read anew
  await page.route("**/locks?*", (route) => void later.push(route));
  const first = await left();
  await until(async () => (await left()) < first - 1, "it counts down");
  await page.unroute("**/locks?*");
  for (const route of later) await route.continue();
  await page.locator("#events .type[data-type=granted]").nth(names.length).waitFor();
  await call("DELETE", `${path("deploy/<b>eu</b>")}?token=${granted.token}`);
  await gone("deploy/<b>eu</b>");
  await page.locator("#events .type[data-type=released]").waitFor();
  for (const name of names) await call("POST", `${path(name)}/force`, {});
  await page.locator("#none", { hasText: "Nothing is held." }).waitFor();
});

test("a renewal elsewhere is seen", async () => {
  const { token } = await take("renewed", { ttl_ms: 3000 });
  await row("renewed").waitFor();
  await call("PATCH", path("renewed"), { token, ttl_ms: 50_000 });
  await until(async () => parseInt(await row("renewed").locator(".left time").innerText(), 10) > 10, "it has its new time");
});

test("those who wait are shown in their order", async () => {
  const { token } = await take("queue");
  const waits = [];
  for (const client of ["bob", "cid", "dan"]) {
    waits.push(take("queue", { client, owner: client, wait_ms: 60_000 }));
    await until(async () => (await inspect("queue")).waiters?.at(-1)?.client === client, `${client} waits`);
  }
  await row("queue").locator(".waiters li").nth(2).waitFor();
  assert.deepEqual(await row("queue").locator(".waiters li").allInnerTexts(), ["bob", "cid", "dan"]);
  await picture("waiters");
  await call("DELETE", `${path("queue")}?token=${token}`);
  const next = await waits[0];
  await row("queue").locator(".client", { hasText: "bob" }).waitFor();
  await row("queue").locator(".waiters li").nth(2).waitFor({ state: "detached" });
  assert.deepEqual(await row("queue").locator(".waiters li").allInnerTexts(), ["cid", "dan"]);
  for (const reply of [next, ...waits.slice(1)]) {
    await call("DELETE", `${path("queue")}?token=${(await reply).token}`);
  }
  await gone("queue");
});

test("sessions and shared holds are shown", async () => {
  const child = spawn(process.env.NATSLOCK, ["acquire", "present", "--hold", "--realm", realm], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await new Promise((done) => child.stdout.once("data", done));
    await take("pool", { mode: "shared", size: 3, owner: "1" });
    await take("pool", { mode: "shared", size: 3, owner: "2", client: "bob" });
    await row("pool").locator(".holder").nth(1).waitFor();
    assert.match(await row("pool").innerText(), /shared 2 of 3/);
    const text = await row("present").innerText();
    assert.match(text, /session \w{8}/);
    assert.match(text, /while present/);
  } finally {
    child.kill("SIGINT");
  }
  await gone("present");
});

test("what the README says of it", async () => {
  const tab = await browser.newPage();
  await tab.goto(`${door}/console`);
  await live(tab);
  await tab.fill("[name=client]", "eve");
  await tab.fill("[name=name]", "report");
  await tab.keyboard.press("Enter");
  await row("report", tab).locator(".you").waitFor();
  const report = "/v1/realms/default/locks/report";
  const refused = await call("POST", report, { client: "bob" });
  assert.deepEqual([refused.code, refused.status, refused.name, refused.holders[0].client], [409, "held", "report", "eve"]);
  await tab.close();
  await until(async () => !(await call("GET", report)).locks[0].held, "it is free");
  assert.equal((await call("POST", report, { client: "bob", ttl_ms: 10 })).code, 200);
});

test("force asks first, and for a reason", async () => {
  await take("stuck", { meta: { resource: { entity: "orders", entityID: "42" } } });
  const next = take("stuck", { client: "bob", owner: "bob", wait_ms: 60_000 });
  await row("stuck").locator(".waiters li").waitFor();
  const force = row("stuck").getByRole("button", { name: "Force unlock stuck" });
  const dialog = page.getByRole("dialog");
  await force.click();
  assert.match(await dialog.innerText(), /Force stuck\? exclusive\s+It is held by\s+ann\s+job-7 · resource: {"entity":"orders","entityID":"42"}\s+\d+\s+bob/);
  await picture("force");
  await dialog.getByRole("button", { name: "Force unlock" }).click(); // without a reason
  assert.ok(await dialog.isVisible());
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.ok(!(await dialog.isVisible()));
  assert.equal((await inspect("stuck")).held, true);
  await force.click();
  await dialog.getByLabel("Reason").fill("its machine is gone");
  await dialog.getByRole("button", { name: "Force unlock" }).click();
  await page.locator("#said", { hasText: "stuck was taken from ann (job-7)." }).waitFor();
  await page.locator("#events li", { hasText: "its machine is gone" }).waitFor();
  await row("stuck").locator(".client", { hasText: "bob" }).waitFor();
  await force.click();
  await dialog.getByLabel("Reason").fill("its machine, too");
  await call("DELETE", `${path("stuck")}?token=${(await next).token}`);
  const { token } = await take("stuck", { client: "cid" });
  await dialog.getByRole("button", { name: "Force unlock" }).click(); // what it has shown is over
  await page.locator("#said", { hasText: "stuck is not held by bob any more." }).waitFor();
  assert.equal((await inspect("stuck")).holders[0].token, token);
  told(/status of 410/);
});

test("a lost connection is told, and comes back by itself", async () => {
  await take("before");
  await row("before").waitFor();
  await wire.cut();
  await live(page, "lost");
  await page.getByRole("alert").filter({ hasText: "is lost" }).waitFor();
  await picture("lost");
  assert.ok(await row("before").isVisible());
  await take("meanwhile");
  await wire.mend();
  await live(page);
  await row("meanwhile").waitFor();
  assert.ok(!(await page.locator("#banner").isVisible()));
  told(/ERR_(CONNECTION|EMPTY|INCOMPLETE|SOCKET|NETWORK)/);
});

test("a tab that nobody looks at lets its connection go for a while", async () => {
  const hide = (hidden) => page.evaluate((is) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
    dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 21_000;
  });
  await live(page, "paused");
  await take("unseen");
  await hide(false);
  await live(page);
  await row("unseen").waitFor();
});

test("with credentials, all of it asks for them", async () => {
  const { url, end } = await serve(join(profile, "data"), { NATSLOCK_AUTH_USER: "ann", NATSLOCK_AUTH_PASSWORD: "secret" });
  try {
    for (const path of ["/test", "/console", "/console/app.js"]) assert.equal((await fetch(url + path)).status, 401);
    const other = await visit(`${url.replace("//", "//ann:secret@")}/test`);
    await other.fill("[name=name]", "mine");
    await other.click("#take button");
    await row("mine", other).locator(".you").waitFor();
    await other.close();
  } finally {
    await end();
  }
});

test("a search, and the realm in the URL", async () => {
  for (const name of ["a/one", "a/two", "b/three"]) await take(name, { client: name.at(-1) });
  await row("b/three").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("A/");
  await gone("b/three");
  assert.equal(await page.locator("#count").innerText(), "2 of 3");
  await page.keyboard.press("Escape");
  await row("b/three").waitFor();
  const first = page.url();
  await page.fill("#realm-name", "another realm");
  await page.keyboard.press("Enter");
  await page.locator("#none", { hasText: "Nothing is held." }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("realm"), "another realm");
  await page.goBack();
  await row("a/one").waitFor();
  assert.equal(page.url(), first);
  await page.reload();
  await row("a/one").waitFor();
});

test("a search finds all that a row shows", async () => {
  const order = { resource: { entity: "orders", entityID: "42" }, details: { userName: "Ann Example" } };
  await take("6f9b9af3cd6e8b8a73c2cdced37fe9f59226e27d", { client: "u-1", owner: "u-1", meta: order });
  await take("pool", { mode: "shared", size: 3, client: "bob", owner: "run-9" });
  const child = spawn(process.env.NATSLOCK, ["acquire", "present", "--hold", "--realm", realm], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await new Promise((done) => child.stdout.once("data", done));
    await page.fill("[name=name]", "mine");
    await page.click("#take button");
    await row("mine").locator(".you").waitFor();
    await page.locator("#count", { hasText: /^4$/ }).waitFor();
    const found = async (query) => {
      await page.fill("#search", query);
      return page.locator(".lock").evaluateAll((rows) => rows.map((r) => r.dataset.name.slice(0, 7)));
    };
    const [{ token }] = (await inspect("pool")).holders;
    for (const [query, name] of Object.entries({
      "\"orders\"": "6f9b9af", "entityID\":\"42": "6f9b9af", "ann example": "6f9b9af", "U-1": "6f9b9af", [token]: "pool", "of 3": "pool", "run-9": "pool",
      "while present": "present", session: "present", "this tab": "mine", "via: console": "mine",
    })) assert.deepEqual(await found(query), [name], query);
    await found("queued");
    await page.locator("#quiet", { hasText: "No event is like that." }).waitFor();
  } finally {
    child.kill("SIGINT");
  }
});

test("a realm that is refused, and one that is typed", async () => {
  const open = (name) => page.evaluate((to) => {
    history.pushState(null, "", `?${new URLSearchParams({ realm: to })}`);
    dispatchEvent(new PopStateEvent("popstate"));
  }, name);
  await open("r".repeat(70));
  await live(page, "refused");
  await page.getByRole("alert").filter({ hasText: "natslock refuses this realm: realm: 70 bytes, want 1 to 64." }).waitFor();
  assert.ok(!(await page.locator("#none").isVisible()), "nothing is read");
  const input = page.locator("#realm-name"), valid = () => input.evaluate((e) => e.validationMessage);
  assert.equal(await valid(), "At most 64 bytes, and this is 70.");
  await input.fill("ä".repeat(33));
  await page.keyboard.press("Enter");
  assert.equal(await valid(), "At most 64 bytes, and this is 66.");
  await live(page, "refused"); // as it was
  await input.fill("ä".repeat(32));
  await page.keyboard.press("Enter");
  await live(page);
  assert.ok(!(await page.locator("#banner").isVisible()));
  assert.equal(new URL(page.url()).searchParams.get("realm"), "ä".repeat(32));
  const known = await page.locator("#realms option").evaluateAll((all) => all.map((o) => o.value.length));
  assert.ok(known.includes(32) && !known.includes(70), `${known}`);
  told(/status of 400/);
});

test("what is refused for a while is tried again, and told why", async () => {
  let refusals = 0;
  await page.route("**/events", (route) => (++refusals > 4 ? route.continue() : route.fulfill({ status: 429, json: { status: "limit", message: "waiters: more than 1" } })));
  await page.reload();
  await page.getByRole("alert").filter({ hasText: "natslock refuses for now: waiters: more than 1." }).waitFor();
  await live(page);
  assert.ok(!(await page.locator("#banner").isVisible()));
  told(/status of 429/);
});

test("a realm with more locks than are listed", async () => {
  const lock = (name) => ({ name, held: true, mode: "exclusive", holders: [{ owner: "o", client: "c", token: 1, ttl_ms: 60_000, expires_in_ms: 60_000, granted_at: new Date() }] });
  await page.route("**/locks?*", (route) => {
    const query = new URL(route.request().url()).searchParams, from = Number(query.get("cursor"));
    const locks = query.has("prefix") ? [lock("z/9")] : Array.from({ length: 1000 }, (_, n) => lock(`a/${1000 + from + n}`));
    return route.fulfill({ json: { status: "ok", locks, cursor: query.has("prefix") ? undefined : String(from + 1000) } });
  });
  await page.reload();
  await page.locator("#none", { hasText: "2800+ more" }).waitFor();
  assert.equal(await page.locator("#count").innerText(), "3000+");
  await page.fill("#search", "a/3999");
  await row("a/3999").waitFor();
  await page.fill("#search", "z/");
  await row("z/9").waitFor();
  await page.fill("#search", "nothing");
  await page.locator("#none", { hasText: "and none begins so" }).waitFor();
});

test("everything by keyboard", async () => {
  const focus = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.name ?? document.activeElement.id);
  const tabTo = async (what) => {
    for (let n = 0; n < 30; n++) {
      await page.keyboard.press("Tab");
      if ((await focus()) === what) return;
    }
    assert.fail(`no way to ${what}`);
  };
  await tabTo("name");
  await page.keyboard.type("typed");
  await page.keyboard.press("Enter");
  await row("typed").locator(".you").waitFor();
  await take("other");
  await row("other").waitFor();
  await tabTo("Force unlock other");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.equal(await focus(), "reason");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await focus(), "Force unlock other");
  await page.keyboard.press("Enter");
  await page.keyboard.type("typed too");
  await page.keyboard.press("Enter");
  await gone("other");
  await tabTo("Unlock typed");
  await page.keyboard.press("Enter");
  await gone("typed");
});

test("the chart shows grants, waits and refusals", async () => {
  const total = (name) => page.locator(`.series[data-series=${name}] b`).innerText();
  await take("c");
  await take("c", { client: "bob", owner: "b" }); // refused
  await take("c", { client: "bob", owner: "b", wait_ms: 50 }); // waits, in vain
  await until(async () => (await total("granted")) === "1" && (await total("queued")) === "1" && Number(await total("refused")) >= 2, "they are counted");
  assert.match(await page.locator(".series[data-series=granted] .bars").getAttribute("d"), /^M/);
});
