// What this tab holds: renewed while the tab lives, given back when it closes.

import { by } from "./dom.js";

const yes = new Set(["granted", "already", "renewed", "ok"]);
const ended = new Set(["released", "not_held"]);

// endings are the events by which a hold ends, in words.
const endings = {
  forced: ({ name, reason }) => `${name} was ended by force${reason ? `: ${reason}` : ""}`,
  released: ({ name }) => `${name} was given back elsewhere`,
  expired: ({ name }) => `${name} has expired: it was not renewed in time`,
};

export class Holds {
  #holds = new Map(); // by the names of the realm and of the lock
  #owner = `tab-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;

  // onLost is told why a hold has ended that was not given back here.
  constructor(onLost) {
    this.onLost = onLost;
  }

  get size() {
    return this.#holds.size;
  }

  // has tells whether a hold of a realm, as a list shows it, is this tab's.
  has(realm, name, token) {
    return this.#holds.get(key(realm.name, name))?.token === token;
  }

  // take asks for a lock, and returns the reply.
  async take(realm, name, { client, mode, ttl, wait }, signal) {
    const fields = { client, owner: this.#owner, ttl_ms: ttl, meta: { via: "console" } };
    if (mode === "shared") fields.mode = mode;
    if (wait > 0) fields.wait_ms = wait;
    const asked = performance.now();
    const reply = await realm.acquire(name, fields, signal);
    if (yes.has(reply.status)) {
      const from = wait > 0 ? performance.now() - 1000 : asked; // of a grant that was waited for nobody knows when
      this.#holds.set(key(realm.name, name), { realm, name, token: reply.token, ttl, renewAt: from + ttl / 3, until: from + ttl });
    }
    return reply;
  }

  // release gives a lock back, and returns the reply, or undefined if nothing is held.
  // What natslock refuses to release is held as before.
  async release(realm, name) {
    const of = key(realm.name, name), hold = this.#holds.get(of);
    if (!hold) return undefined;
    this.#holds.delete(of);
    const reply = await realm.release(name, hold.token);
    if (!ended.has(reply.status) && !this.#holds.has(of)) this.#holds.set(of, hold);
    return reply;
  }

  // heard takes note of an event, which may be the end of a hold.
  heard({ type, realm, name, token, reason }) {
    const hold = this.#holds.get(key(realm, name));
    if (hold?.token === token && endings[type]) this.#lost(hold, endings[type]({ name, reason }));
  }

  // listed compares with all locks of a realm. Tokens grow, so what is not there beside
  // a later one has ended. Where there is none, the list may be older than the hold:
  // then a renewal, which is due at once, finds out.
  listed(realm, locks) {
    const holders = new Map(locks.map((l) => [l.name, l.holders]));
    for (const hold of this.#holds.values()) {
      const there = holders.get(hold.name) ?? [];
      if (hold.realm.name !== realm || there.some((h) => h.token === hold.token)) continue;
      const next = there.find((h) => h.token > hold.token);
      if (next) this.#lost(hold, `${hold.name} is not held by this tab any more, but by ${by(next)}`);
      else hold.renewAt = 0;
    }
  }

  // tick renews what is due, and lets go of what may be somebody else's by now.
  tick() {
    const now = performance.now();
    for (const hold of this.#holds.values()) {
      if (now >= hold.until) {
        this.#lost(hold, `${hold.name} is lost: it could not be renewed in time`);
      } else if (now >= hold.renewAt) {
        hold.renewAt = now + Math.min(hold.ttl / 3, 2000); // again, unless this is answered
        this.#renew(hold, now);
      }
    }
  }

  async #renew(hold, asked) {
    let reply;
    try {
      reply = await hold.realm.renew(hold.name, hold.token);
    } catch {
      return; // the next tick that is due asks again, until the TTL has passed
    }
    if (yes.has(reply.status)) {
      hold.until = Math.max(hold.until, asked + hold.ttl);
      hold.renewAt = asked + hold.ttl / 3;
    } else if (reply.status === "not_held") {
      this.#lost(hold, `${hold.name} is not held by this tab any more`);
    }
  }

  #lost(hold, why) {
    const of = key(hold.realm.name, hold.name);
    if (this.#holds.get(of) !== hold) return; // given back meanwhile
    this.#holds.delete(of);
    this.onLost(why);
  }

  // leave gives everything back, without waiting for the answers, and returns the names.
  leave() {
    const left = [...this.#holds.values()];
    for (const { realm, name } of left) this.release(realm, name).catch(() => { /* then the TTL ends it */ });
    return left.map((hold) => hold.name);
  }
}

function key(realm, name) {
  return JSON.stringify([realm, name]);
}
