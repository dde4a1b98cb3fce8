// What this tab holds: renewed while the tab lives, given back when it closes.

const yes = new Set(["granted", "already", "renewed", "ok"]);

export class Holds {
  #holds = new Map(); // by realm and name
  #owner = `tab-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;

  // onLost is told of a hold that has ended without having been given back.
  constructor(onLost) {
    this.onLost = onLost;
  }

  get size() {
    return this.#holds.size;
  }

  // has tells whether a hold of a realm, as a list shows it, is this tab's.
  has(realm, name, token) {
    return this.#holds.get(key(realm, name))?.token === token;
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
      this.#holds.set(key(realm, name), { realm, name, token: reply.token, ttl, renewAt: from + ttl / 3, until: from + ttl });
    }
    return reply;
  }

  async release(realm, name) {
    const hold = this.#holds.get(key(realm, name));
    if (!hold) return;
    this.#holds.delete(key(realm, name));
    try {
      await realm.release(name, hold.token);
    } catch (why) {
      this.onLost(hold, `${name} ends by its TTL: ${why.message}`);
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
    if (this.#holds.get(key(hold.realm, hold.name)) !== hold) return; // given back meanwhile
    this.#holds.delete(key(hold.realm, hold.name));
    this.onLost(hold, why);
  }

  // leave gives everything back, without waiting for the answers.
  leave() {
    for (const { realm, name } of this.#holds.values()) void this.release(realm, name);
  }
}

function key(realm, name) {
  return JSON.stringify([realm.name, name]);
}
