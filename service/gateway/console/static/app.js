// The console: one realm, live.
import { Realm, Unreachable, refused } from "./api.js";
import { bound } from "./bounds.js";
import { Chart } from "./chart.js";
import { by, element, write } from "./dom.js";
import { Events } from "./events.js";
import { Feed } from "./feed.js";
import { Holds } from "./holds.js";
import { Locks, modeOf } from "./locks.js";

const $ = (id) => document.getElementById(id);
const often = 150; // milliseconds, at least, between a change and the list that shows it
const seldom = 3000; // between lists when nothing changes: renewals are no events
const unseen = 20_000; // after which a tab that nobody looks at lets its connection go: a browser has few

let realm, feed;
let listed = { locks: [], at: 0, more: false };
let reading = false, again = false, dueAt = Infinity, hiddenAt;
let wasRefused, countAt = 0;

const chart = new Chart($("chart"));
const events = new Events($("events"), $("quiet"));
const holds = new Holds((why) => {
  const others = $("said").dataset.kind === "lost" ? `${$("said").textContent} ` : "";
  say(`${others}${why}.`, "lost");
  show();
  due(0);
});
const locks = new Locks($("locks"), {
  isMine: (name, token) => holds.has(realm, name, token),
  onUnlock: (lock) => unlock(lock.name),
  onForce: force,
});

// Reading.

// enter shows another realm.
function enter(name) {
  feed?.close();
  realm = new Realm(name);
  $("realm-name").value = name;
  bound($("realm-name"));
  document.title = `${name} – natslock`;
  listed = { locks: [], at: 0, more: false, fresh: true };
  show();
  events.clear();
  chart.clear();
  connection("connecting");
  feed = new Feed(realm, { onEvent: heard, onState: connection });
  feed.open();
}

function heard(event) {
  locks.heard(event);
  holds.heard(event);
  events.add(event);
  if (event.type === "granted" || event.type === "queued") chart.count(event.type);
  if (event.type === "canceled") chart.count("refused");
  due(often);
}

const states = { connecting: "connecting", live: "live", lost: "connection lost", paused: "paused", refused: "refused" };

// banners say what a state means for what is shown.
const banners = {
  lost: (why) => `${why ? `natslock refuses for now: ${why}` : "The connection to natslock is lost"}. What is shown is how it was; it is tried again until it is back.`,
  refused: (why) => `natslock refuses this realm: ${why}.`,
};

function connection(state, why) {
  $("connection").dataset.state = state;
  write($("connection"), states[state]);
  document.body.dataset.state = state;
  $("banner").hidden = !banners[state];
  write($("banner"), banners[state]?.(why) ?? "");
  if (state === "refused") show();
  if (state === "live") {
    remember(realm.name);
    wasRefused = undefined; // meanwhile it may have begun to count anew
    countAt = 0;
    due(0);
  }
}

// due has the list read, after some milliseconds at the latest.
function due(ms) {
  const at = performance.now() + ms;
  if (at >= dueAt) return;
  dueAt = at;
  setTimeout(read, ms);
}

async function read() {
  if (performance.now() + 1 < dueAt) return; // for a later one there is another timer
  dueAt = Infinity;
  if (feed.state !== "live") return; // when it is, all is read
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const of = feed, begun = performance.now();
  try {
    const [found] = await Promise.all([of.realm.list($("search").value.trim()), countRefused()]);
    if (of !== feed) return;
    listed = { ...found, at: performance.now() };
    if (!found.more) holds.listed(of.realm.name, found.locks);
    show();
  } catch (why) {
    if (of !== feed) return;
    if (why instanceof Unreachable) feed.lose();
    else say(`The realm cannot be listed: ${why.message}`, "bad");
  } finally {
    reading = false;
    const took = performance.now() - begun;
    due(again || of !== feed ? Math.max(often, 4 * took) : Math.max(seldom, 20 * took));
    again = false;
  }
}

// countRefused asks how many were refused since it last did.
async function countRefused() {
  if (performance.now() < countAt) return;
  countAt = performance.now() + seldom / 2;
  const count = await refused();
  if (count > wasRefused) chart.count("refused", count - wasRefused);
  wasRefused = count;
}

function show() {
  const query = $("search").value.trim().toLowerCase();
  const found = query ? listed.locks.filter((l) => locks.matches(l, query)) : listed.locks;
  const hidden = locks.show(found, listed.at);
  const held = listed.locks.length;
  write($("count"), `${query ? `${found.length} of ` : ""}${held}${listed.more ? "+" : ""}`);
  $("none").hidden = (found.length > 0 && !hidden) || feed?.state === "refused";
  write($("none"), listed.fresh ? "Reading…" : hidden ? `${hidden}${listed.more ? "+" : ""} more: search for some of them.` : query ? (listed.more ? `None of the first ${held} is like that, and none begins so.` : "No lock is like that.") : "Nothing is held.");
  write($("mine"), holds.size ? `this tab holds ${holds.size}` : "");
}

new Worker(new URL("./keeper.js", import.meta.url)).onmessage = () => {
  holds.tick();
  chart.tick(feed.state === "live");
  if (locks.tick() && feed.state === "live") due(1000);
  if (document.hidden && feed.state === "live" && Date.now() - hiddenAt > unseen) feed.pause();
};

// Locking.

function say(text, kind = "") {
  $("said").dataset.kind = kind;
  write($("said"), text);
}

let waiting; // an AbortController, while this tab waits for a lock

$("take").onsubmit = async (e) => {
  e.preventDefault();
  if (waiting) {
    waiting.abort();
    return;
  }
  const form = new FormData(e.target);
  const name = form.get("name"), wait = Number(form.get("wait")), button = e.target.querySelector("button");
  const at = realm;
  store("natslock.client", form.get("client"));
  waiting = new AbortController();
  if (wait) {
    button.textContent = "Stop waiting";
    say(`Waiting for ${name}…`, "wait");
  }
  try {
    const reply = await holds.take(at, name, {
      client: form.get("client"), mode: form.get("mode"), ttl: Number(form.get("ttl")), wait,
    }, waiting.signal);
    answered(name, reply);
    if (reply.token) e.target.elements.name.value = "";
  } catch (why) {
    say(waiting.signal.aborted ? `Waits no longer for ${name}.` : `${name}: ${why.message}`, waiting.signal.aborted ? "" : "bad");
  } finally {
    waiting = undefined;
    button.textContent = "Lock";
    show();
    due(0);
  }
};

function answered(name, reply) {
  switch (reply.status) {
    case "granted": case "already":
      return say(`${name} is held by this tab, token ${reply.token}.`);
    case "held":
      return say(`${name} is held${reply.holders?.length ? ` by ${reply.holders.map(by).join(", ")}` : ": others wait for it"}.`, "bad");
    case "timeout":
      return say(`${name} was not free in time.`, "bad");
    default:
      return say(`${name}: ${reply.message ?? reply.status}`, "bad");
  }
}

async function unlock(name) {
  try {
    const reply = await holds.release(realm, name);
    if (reply) unlocked(name, reply);
  } catch (why) {
    say(`${name} ends by its TTL: ${why.message}`, "bad");
    show();
  }
  due(0);
}

function unlocked(name, reply) {
  switch (reply.status) {
    case "released":
      return say(`${name} is given back.`);
    case "not_held":
      return say(`${name} was not held any more.`);
    default: // it is held as before
      say(`${name}: ${reply.message ?? reply.status}`, "bad");
      return show();
  }
}

// force asks, and ends what it has shown: one hold, if it passes on meanwhile no other.
function force(lock) {
  const dialog = $("force"), form = dialog.querySelector("form"), at = realm;
  const token = lock.holders.length === 1 ? lock.holders[0].token : undefined;
  write(dialog.querySelector(".what"), lock.name);
  write(dialog.querySelector(".mode"), modeOf(lock));
  dialog.querySelector(".whom").replaceChildren(...locks.portrait(lock));
  form.reset();
  bound(form.elements.reason);
  form.querySelector("[value=cancel]").onclick = () => dialog.close("");
  dialog.returnValue = "";
  dialog.onclose = async () => {
    if (dialog.returnValue !== "force") return;
    try {
      const reply = await at.force(lock.name, { client: $("take").elements.client.value || "console", reason: form.elements.reason.value, token });
      forced(lock, reply);
    } catch (why) {
      say(`${lock.name}: ${why.message}`, "bad");
    }
    due(0);
  };
  dialog.showModal();
  form.elements.reason.focus();
}

function forced(lock, reply) {
  const whom = lock.holders.map(by).join(", ");
  switch (reply.status) {
    case "released":
      return say(`${lock.name} was taken from ${reply.holders?.map(by).join(", ") ?? whom}.`);
    case "not_held":
      return say(`${lock.name} is not held by ${whom} any more.`, "bad");
    default:
      return say(`${lock.name}: ${reply.message ?? reply.status}`, "bad");
  }
}

// The page.

// store keeps something for the next page, or until this tab closes.
function store(key, value, where = "localStorage") {
  try {
    window[where].setItem(key, value);
  } catch { /* a browser that keeps nothing: then it is asked again */ }
}

function stored(key, where = "localStorage") {
  try {
    return window[where].getItem(key);
  } catch {
    return null;
  }
}

// tellLeft says what was given back when this tab left the page, such as to load it again.
function tellLeft() {
  const names = JSON.parse(stored("natslock.left", "sessionStorage") ?? "[]");
  store("natslock.left", "[]", "sessionStorage");
  if (names.length) say(`${names.join(", ")} ${names.length === 1 ? "was" : "were"} given back when this page was left.`);
}

function remember(name) {
  const known = [name, ...JSON.parse(stored("natslock.realms") ?? "[]").filter((r) => r !== name)].slice(0, 12);
  store("natslock.realms", JSON.stringify(known));
  $("realms").replaceChildren(...known.map((value) => element("option", { value })));
}

const asked = () => new URLSearchParams(location.search).get("realm") || "default";

$("realm").onsubmit = (e) => {
  e.preventDefault();
  const name = $("realm-name").value.trim();
  if (!name || name === realm.name) return;
  history.pushState(null, "", `?${new URLSearchParams({ realm: name })}`);
  enter(name);
};
$("realm-name").onchange = () => $("realm").requestSubmit();
$("search").oninput = () => {
  events.search($("search").value.trim().toLowerCase());
  show();
  if (listed.more) due(often);
};
$("search").onkeydown = (e) => {
  if (e.key !== "Escape") return;
  $("search").value = "";
  $("search").oninput();
};
addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea, dialog")) return;
  e.preventDefault();
  $("search").focus();
});
addEventListener("popstate", () => enter(asked()));
addEventListener("online", () => feed.hurry());
addEventListener("visibilitychange", () => {
  hiddenAt = Date.now();
  if (!document.hidden) feed.hurry();
});
addEventListener("pagehide", () => {
  waiting?.abort();
  store("natslock.left", JSON.stringify(holds.leave()), "sessionStorage");
});
addEventListener("pageshow", (e) => {
  if (e.persisted) location.reload(); // what it held it has given back
});

addEventListener("input", (e) => bound(e.target));

$("take").elements.client.value = stored("natslock.client") || "console";
tellLeft();
enter(asked());
