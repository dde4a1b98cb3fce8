// The locks as they are shown.
import { by, element, span, write } from "./dom.js";

const shown = 200; // at most

// Locks shows a list, and counts down what is left of each hold.
export class Locks {
  #rows = new Map(); // by name: { row, text, clocks }
  #skew = 0; // how much later it is there, in milliseconds

  constructor(list, { isMine, onUnlock, onForce }) {
    Object.assign(this, { list, isMine, onUnlock, onForce });
  }

  // show makes the rows those of the locks, and touches only those that differ. at is
  // when the list was received.
  show(locks, at) {
    const rows = new Map();
    const fresh = this.#rows.size > 0;
    for (const lock of locks.slice(0, shown)) {
      const mine = lock.holders.map((h) => this.isMine(lock.name, h.token));
      const text = JSON.stringify([lock, mine], (k, v) => (k === "expires_in_ms" ? v !== undefined : v));
      let known = this.#rows.get(lock.name);
      if (known?.text !== text) {
        const row = this.#row(lock, mine);
        if (known) this.#replace(known.row, row.row);
        else if (fresh) row.row.classList.add("fresh");
        known = { ...row, text };
      }
      lock.holders.forEach((h, i) => known.clocks[i].until = h.expires_in_ms === undefined ? undefined : at + h.expires_in_ms);
      rows.set(lock.name, known);
    }
    for (const [name, { row }] of this.#rows) {
      if (!rows.has(name)) row.remove();
    }
    let before = null;
    for (const { row } of [...rows.values()].reverse()) {
      if (row.parentNode !== this.list || row.nextSibling !== before) this.list.insertBefore(row, before);
      before = row;
    }
    this.#rows = rows;
    this.tick();
    return Math.max(0, locks.length - shown);
  }

  // replace keeps the focus where it was.
  #replace(old, row) {
    const had = old.contains(document.activeElement);
    old.replaceWith(row);
    if (had) row.querySelector("button").focus();
  }

  // tick writes how long each hold is held, and has left. It returns whether one is
  // about to end, or should have, if it was not renewed.
  tick() {
    const now = performance.now();
    const clock = Date.now();
    let ending = false;
    for (const { clocks } of this.#rows.values()) {
      for (const c of clocks) {
        write(c.since, span(clock + this.#skew - c.grantedAt));
        if (c.until === undefined) continue;
        const left = Math.max(0, c.until - now);
        ending ||= left < 1500;
        write(c.time, span(left));
        c.holder.classList.toggle("soon", left < Math.min(10_000, c.ttl / 4));
        c.bar.style.setProperty("--left", `${Math.min(100, 100 * left / c.ttl).toFixed(1)}%`);
      }
    }
    return ending;
  }

  // heard sets the clock by an event that has just come.
  heard(event) {
    this.#skew = Date.parse(event.at) - Date.now();
  }

  // matches tells whether what a row shows of a lock has a text in it, in lower case.
  matches(lock, text) {
    const texts = [lock.name, modeOf(lock)];
    for (const h of lock.holders) {
      texts.push(nameOf(h), h.token, detailsOf(h), ...(h.sessions ?? []));
      if (this.isMine(lock.name, h.token)) texts.push(yours);
      if (h.expires_in_ms === undefined) texts.push(lasting);
    }
    for (const w of lock.waiters ?? []) texts.push(by(w), w.owner, w.mode);
    return texts.some((t) => t !== undefined && String(t).toLowerCase().includes(text));
  }

  // portrait is what a row shows of a lock, without what changes by itself.
  portrait(lock) {
    const holders = element("ul", { class: "holders" });
    for (const h of lock.holders) holders.append(element("li", {}, who(h, this.isMine(lock.name, h.token)), token(h)));
    return [holders, ...(lock.waiters?.length ? [waiters(lock.waiters)] : [])];
  }

  #row(lock, mine) {
    const clocks = [];
    const holders = element("ul", { class: "holders" });
    lock.holders.forEach((h, i) => holders.append(this.#holder(h, mine[i], clocks)));
    const own = mine.includes(true);
    const button = own
      ? element("button", { type: "button", "aria-label": `Unlock ${lock.name}` }, "Unlock")
      : element("button", { type: "button", "aria-label": `Force unlock ${lock.name}`, "aria-haspopup": "dialog" }, "Force…");
    button.onclick = () => (own ? this.onUnlock(lock) : this.onForce(lock));
    const row = element("li", { class: own ? "lock mine" : "lock", "data-name": lock.name },
      element("div", { class: "name" }, `${lock.name} `, element("span", { class: "tag" }, modeOf(lock))),
      holders,
      element("div", { class: "actions" }, button));
    if (lock.waiters?.length) row.append(waiters(lock.waiters));
    return { row, clocks };
  }

  #holder(h, mine, clocks) {
    const c = { ttl: h.ttl_ms ?? 0, grantedAt: Date.parse(h.granted_at), since: element("span", { class: "since" }), time: element("time") };
    const left = element("span", { class: "left" }, c.time);
    if (h.expires_in_ms === undefined) write(c.time, lasting);
    else left.append(c.bar = element("i", { class: "bar" }));
    c.holder = element("li", { class: "holder" }, who(h, mine), token(h), c.since, left);
    clocks.push(c);
    return c.holder;
  }
}

const yours = "this tab", lasting = "while present";

// modeOf says who may hold a lock at the same time.
export function modeOf(lock) {
  return lock.mode === "shared" ? `shared ${lock.holders.length}${lock.size ? ` of ${lock.size}` : ""}` : "exclusive";
}

const nameOf = (h) => h.client || "nobody named";

// detailsOf is what is known of a holder, beside its name.
function detailsOf(h) {
  const details = [];
  if (h.owner && h.owner !== h.client) details.push(h.owner);
  if (h.sessions?.length) details.push(`${h.sessions.length === 1 ? "session" : `${h.sessions.length} sessions`} ${h.sessions.map(short).join(", ")}`);
  if (h.meta) details.push(Object.entries(h.meta).map(([k, v]) => `${k}: ${typeof v === "string" ? v : JSON.stringify(v)}`).join(", "));
  return details.join(" · ");
}

function who(h, mine) {
  const e = element("span", { class: "who" }, element("span", { class: "client" }, nameOf(h)), " ");
  if (mine) e.append(element("span", { class: "tag you" }, yours), " ");
  const details = detailsOf(h);
  if (details) e.append(element("span", { class: "more", title: (h.sessions ?? []).join("\n") || undefined }, details));
  return e;
}

const token = (h) => element("span", { class: "token", title: "the fencing token" }, String(h.token));

function short(session) {
  return session.length > 12 ? `${session.slice(0, 8)}…` : session;
}

const queue = 12; // of those who wait, at most

function waiters(list) {
  const ol = element("ol", { class: "waiters", "data-title": list.length === 1 ? "1 waits" : `${list.length} wait`, "aria-label": "waiting, in order" });
  for (const w of list.slice(0, queue)) {
    const shared = w.mode === "shared" ? " shared" : "";
    ol.append(element("li", { title: `since ${new Date(w.queued_at).toLocaleTimeString()}` }, element("b", {}, by(w)), shared));
  }
  if (list.length > queue) ol.append(element("span", {}, `and ${list.length - queue} more`));
  return ol;
}
