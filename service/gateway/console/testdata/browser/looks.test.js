// The console in a browser: how it looks, full and narrow, light and dark.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { call, door, page, path, pictures, row, take } from "./tab.js";

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
