// Locks for Node, over nothing but the NATS client: a lock is a request, and
// the grant is its reply. docs/protocol.md says what may be asked.
import { createInbox, nuid } from "@nats-io/transport-node";

const REPEAT_MS = 5_000; // a request without an answer is sent again: same id, same inbox
const PATIENCE_MS = 15_000; // beyond the wait that was asked for

/** A request that was answered with anything but yes; `reply.status` says why. */
export class Refused extends Error {
  constructor(verb, reply) {
    super(`${verb}: ${reply.status}${reply.message ? `: ${reply.message}` : ""}`);
    this.reply = reply;
  }
}

/** Takes locks of one realm, as one client, on a NATS connection. */
export class Locks {
  constructor(nc, { realm = "default", client = nuid.next(), ttl = 30_000 } = {}) {
    Object.assign(this, { nc, realm, client, ttl });
  }

  /** Runs `work(lock)` while the lock is held, and releases it whatever happens. */
  async with(name, work, options) {
    const lock = await this.acquire(name, options);
    try {
      return await work(lock);
    } finally {
      await lock.release();
    }
  }

  /** Takes a lock; waits its turn for up to `wait` milliseconds. */
  async acquire(name, { wait = 0, ...terms } = {}) {
    const attempt = { client: this.client, request: nuid.next(), name };
    try {
      const reply = await this.ask("acquire", { ttl_ms: this.ttl, wait_ms: wait, ...terms, ...attempt }, wait);
      return new Lock(this, name, reply);
    } catch (error) {
      if (!(error instanceof Refused)) this.#send("cancel", attempt); // it may still be waiting there
      throw error;
    }
  }

  /** Makes one request of the protocol. */
  async ask(verb, request, wait = 0) {
    const inbox = createInbox();
    const answers = this.nc.subscribe(inbox);
    const repeat = setInterval(() => this.#send(verb, request, inbox), REPEAT_MS);
    const limit = setTimeout(() => answers.unsubscribe(), wait + PATIENCE_MS);
    try {
      this.#send(verb, request, inbox);
      for await (const answer of answers) {
        if (answer.headers?.code === 503) continue; // no worker is there just now
        const reply = answer.json();
        if (reply.status === "unavailable") continue; // not decided: ask again
        if (reply.message === undefined) return reply;
        throw new Refused(verb, reply);
      }
      throw new Error(`${verb}: no answer`);
    } finally {
      clearInterval(repeat);
      clearTimeout(limit);
      answers.unsubscribe();
    }
  }

  #send(verb, request, reply) {
    if (this.nc.isClosed()) return;
    this.nc.publish(`lock.${this.realm}.${verb}`, JSON.stringify(request), { reply });
  }
}

/**
 * A lock that is held. Its `token` is larger than every earlier one: give it to
 * whatever the lock guards. Its `signal` aborts when the lock may be somebody
 * else's.
 */
export class Lock {
  #locks;
  #lost = new AbortController();
  #renewal;
  #end;

  constructor(locks, name, { token, ttl_ms }) {
    this.#locks = locks;
    Object.assign(this, { name, token, ttl: ttl_ms });
    this.#trust(performance.now());
    this.#renew(); // at once, since nobody knows how long the grant was on its way
  }

  get signal() {
    return this.#lost.signal;
  }

  /** Gives the lock back; the next waiter has it at once. */
  async release() {
    this.#stop(new Error(`lock ${this.name} released`));
    await this.#locks.ask("release", { client: this.#locks.client, name: this.name, token: this.token });
  }

  async #renew() {
    const sent = performance.now();
    try {
      await this.#locks.ask("renew", { client: this.#locks.client, name: this.name, token: this.token });
    } catch (error) {
      if (error instanceof Refused) this.#stop(error);
      return; // without an answer the lock ends by itself
    }
    if (this.signal.aborted) return;
    this.#trust(sent);
    this.#renewal = setTimeout(() => this.#renew(), this.ttl / 3);
  }

  // #trust counts from before the request was sent, and ends a little early.
  #trust(sent) {
    clearTimeout(this.#end);
    const left = sent + this.ttl * 0.9 - performance.now();
    this.#end = setTimeout(() => this.#stop(new Error(`lock ${this.name} not renewed in time`)), left);
  }

  #stop(reason) {
    clearTimeout(this.#renewal);
    clearTimeout(this.#end);
    this.#lost.abort(reason);
  }
}
