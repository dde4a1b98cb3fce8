// The console in a browser: NATSLOCK_HTTP is that of a natslock, SCREENSHOTS where
// pictures go.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { folder, launch, serve } from "./browser.js";
import { Wire } from "./wire.js";

const pictures = process.env.SCREENSHOTS;
const port = Number(process.env.NATSLOCK_HTTP.split(":").at(-1));
const door = `http://127.0.0.1:${port}`;
const profile = folder("console");
const wire = new Wire(port);
let browser, page, realm, wrong, tests = 0;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  await wire.mend();
  browser = await launch(profile);
});

after(async () => {
  await browser?.close();
  await wire.cut();
  rmSync(profile, { recursive: true, force: true });
});

// Each test has a realm and a page of its own, and what is wrong with the page fails it.
beforeEach(async () => {
  realm = `console ${++tests}/${process.pid}`;
  wrong = [];
  page = await visit();
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(wrong, []);
});

async function visit(url = `${wire.url}/console`) {
  const p = await browser.newPage();
  p.setDefaultTimeout(10_000);
  await p.emulateMedia({ colorScheme: "light" });
  p.on("console", (m) => ["error", "warning"].includes(m.type()) && wrong.push(m.text()));
  p.on("pageerror", (e) => wrong.push(String(e)));
  p.on("request", (r) => new URL(r.url()).origin === new URL(url).origin || wrong.push(`a request to ${r.url()}`));
  await p.goto(`${url}?${new URLSearchParams({ realm })}`);
  await live(p);
  return p;
}

const live = (p, state = "live") => p.locator(`#connection[data-state=${state}]`).waitFor();
const row = (name, p = page) => p.locator(`.lock[data-name=${JSON.stringify(name)}]`);
const gone = (name, p = page) => row(name, p).waitFor({ state: "detached" });
const path = (name) => `/v1/realms/${encodeURIComponent(realm)}/locks/${encodeURIComponent(name)}`;
const picture = (name, p = page) => p.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });

// told drops what the browser itself has told of what was meant to be.
const told = (about) => (wrong = wrong.filter((text) => !about.test(text)));

// call makes a call past the browser.
async function call(method, target, body) {
  const answer = await fetch(door + target, { method, body: body && JSON.stringify(body) });
  return { code: answer.status, ...(await answer.json()) };
}

const take = (name, fields) => call("POST", path(name), { client: "ann", owner: "job-7", ttl_ms: 60_000, ...fields });
const inspect = async (name) => (await call("GET", path(name))).locks[0];
const ended = (name) => until(async () => !(await inspect(name)).held, `${name} is free`);

// until waits for what no event tells of.
async function until(ok, what) {
  for (const end = Date.now() + 15_000; !(await ok());) {
    assert.ok(Date.now() < end, `not so: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

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

test("force asks first, and for a reason", async () => {
  await take("stuck");
  const force = row("stuck").getByRole("button", { name: "Force unlock stuck" });
  const dialog = page.getByRole("dialog");
  await force.click();
  assert.match(await dialog.innerText(), /Force stuck\?\s+Held by ann \(job-7\)/);
  await picture("force");
  await dialog.getByRole("button", { name: "Force unlock" }).click(); // without a reason
  assert.ok(await dialog.isVisible());
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.ok(!(await dialog.isVisible()));
  assert.equal((await inspect("stuck")).held, true);
  await force.click();
  await dialog.getByLabel("Reason").fill("its machine is gone");
  await dialog.getByRole("button", { name: "Force unlock" }).click();
  await gone("stuck");
  await page.locator("#events li", { hasText: "its machine is gone" }).waitFor();
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

// furnish fills a realm with what there is in one.
async function furnish() {
  await take("nightly/backup", { client: "backup@db-1", owner: "run-2026-11-22", meta: { host: "db-1", pid: 4711 } });
  await take("deploy/eu-central", { client: "ann", owner: "deploy-318", ttl_ms: 8000, meta: { ticket: "OPS-7" } });
  await take("deploy/us-east", { client: "bob", owner: "deploy-319", ttl_ms: 300_000 });
  for (const [client, owner] of [["render-1", "frame-104"], ["render-2", "frame-105"]]) {
    await take("gpu/pool", { mode: "shared", size: 2, client, owner, ttl_ms: 120_000 });
  }
  const quit = new AbortController();
  const waits = [["gpu/pool", "render-3", "shared"], ["gpu/pool", "render-4", "shared"], ["nightly/backup", "reports", undefined]].map(([name, client, mode]) =>
    fetch(door + path(name), { method: "POST", signal: quit.signal, body: JSON.stringify({ client, owner: client, mode, size: mode && 2, wait_ms: 60_000 }) }).catch(() => {}));
  for (let n = 0; n < 6; n++) {
    const { token } = await take(`build/${n}`, { client: "ci", owner: `job-${n}` });
    await take(`build/${n}`, { client: "bob", owner: "late" });
    if (n < 5) await call("DELETE", `${path(`build/${n}`)}?token=${token}`);
  }
  await row("gpu/pool").locator(".waiters li").nth(1).waitFor();
  await row("nightly/backup").locator(".waiters li").waitFor();
  await row("build/5").waitFor();
  return async () => {
    quit.abort();
    await Promise.all(waits);
  };
}

test("wide and narrow, light and dark", async () => {
  await page.fill("[name=name]", "docs/console");
  await page.fill("[name=client]", "eve");
  await page.click("#take button");
  await row("docs/console").waitFor();
  const leave = await furnish();
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const seen = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 768, 375]) {
      await page.setViewportSize({ width, height: width < 500 ? 812 : 800 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${width}: ${over} px to scroll`);
      await page.screenshot({ path: join(pictures, `${colorScheme}-${width}.png`), fullPage: width < 500, animations: "disabled" });
    }
    seen.add(await back());
  }
  assert.equal(seen.size, 2);
  await leave();
});

test("thirty locks, long names, many who wait", async () => {
  const names = ["tenants/4b0c6a1e-6f0f-4d5e-9a55-0d6d0c1f2b7a/invoices/2026/november/export.csv", "nightly", "x".repeat(120)];
  for (let n = 0; n < 27; n++) names.push(`orders/eu-central/${4700 + n}`);
  for (const [n, name] of names.entries()) await take(name, { client: `worker-${n % 7}@node-${n % 3}.example`, owner: `job-${n}`, ttl_ms: 20_000 + 11_000 * n });
  const quit = new AbortController(), waits = [];
  for (let n = 0; n < 20; n++) {
    const client = `waiter-${n}@a-rather-long-host-name-${n}.example`;
    waits.push(fetch(door + path("nightly"), { method: "POST", signal: quit.signal, body: JSON.stringify({ client, owner: client, wait_ms: 60_000 }) }).catch(() => {}));
  }
  await row("nightly").locator(".waiters", { hasText: "and 8 more" }).waitFor();
  await row(names.at(-1)).waitFor();
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 375]) {
      await page.setViewportSize({ width, height: 812 });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${width}: it does not fit`);
      await page.screenshot({ path: join(pictures, `full-${colorScheme}-${width}.png`), fullPage: true, animations: "disabled" });
    }
  }
  quit.abort();
  await Promise.all(waits);
});

test("a long name breaks nothing", async () => {
  await page.setViewportSize({ width: 375, height: 812 });
  await take("x".repeat(200), { client: "y".repeat(100), owner: "z".repeat(100), meta: { m: "w".repeat(300) } });
  await page.locator(".lock").waitFor();
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 375);
});

test("the chart shows grants, waits and refusals", async () => {
  const total = (name) => page.locator(`.series[data-series=${name}] b`).innerText();
  await take("c");
  await take("c", { client: "bob", owner: "b" }); // refused
  await take("c", { client: "bob", owner: "b", wait_ms: 50 }); // waits, in vain
  await until(async () => (await total("granted")) === "1" && (await total("queued")) === "1" && Number(await total("refused")) >= 2, "they are counted");
  assert.match(await page.locator(".series[data-series=granted] .bars").getAttribute("d"), /^M/);
});
