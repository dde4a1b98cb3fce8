// The calls of the HTTP door that the console makes.

// Unreachable is why there is no answer.
export class Unreachable extends Error {}

const most = 3000; // locks that are listed
const patience = 5000; // for the answer to a call that does not wait

// Realm calls for one realm. Its paths are whole, since browsers refuse to call what
// is relative to a page whose address has a user and a password in it.
export class Realm {
  constructor(name) {
    this.name = name;
    this.path = `${location.origin}/v1/realms/${encodeURIComponent(name)}`;
  }

  lock(name) {
    return `${this.path}/locks/${encodeURIComponent(name)}`;
  }

  // list returns the locks that are held, the first ones of them if there are more,
  // and then those whose names begin as what is searched for.
  async list(search) {
    const locks = [];
    let cursor;
    do {
      const page = await this.#page({ cursor });
      locks.push(...page.locks ?? []);
      cursor = page.cursor;
    } while (cursor && locks.length < most);
    if (cursor && search) {
      const known = new Set(locks.map((l) => l.name));
      const page = await this.#page({ prefix: search });
      locks.push(...(page.locks ?? []).filter((l) => !known.has(l.name)));
    }
    return { locks, more: Boolean(cursor) };
  }

  async #page(which) {
    const query = new URLSearchParams({ limit: "1000" });
    for (const [name, value] of Object.entries(which)) if (value) query.set(name, value);
    const reply = await call("GET", `${this.path}/locks?${query}`);
    if (reply.status !== "ok") throw new Error(reply.message ?? reply.status);
    return reply;
  }

  acquire(name, fields, signal) {
    return call("POST", this.lock(name), { body: fields, signal, patience: patience + (fields.wait_ms ?? 0) });
  }

  renew(name, token) {
    return call("PATCH", this.lock(name), { body: { token } });
  }

  // release is also answered when the page is gone: keepalive.
  release(name, token) {
    return call("DELETE", `${this.lock(name)}?token=${token}`, { keepalive: true });
  }

  // force ends the hold that has a token, or all if none is named.
  force(name, { client, reason, token }) {
    return call("POST", `${this.lock(name)}/force`, { body: { client, reason, token } });
  }

  events() {
    return new EventSource(`${this.path}/events`);
  }

  // refusal returns the reply instead of events, which no EventSource shows, or
  // undefined if there is none.
  async refusal() {
    const enough = new AbortController();
    try {
      const answer = await fetch(`${this.path}/events`, { signal: AbortSignal.any([enough.signal, AbortSignal.timeout(patience)]), cache: "no-store" });
      return answer.ok ? undefined : await answer.json();
    } catch {
      return undefined; // natslock does not answer, or something else did
    } finally {
      enough.abort(); // there may be events now, which nobody reads
    }
  }
}

// call returns the reply, whatever its status, or throws Unreachable.
async function call(method, path, { body, signal, keepalive, patience: most = patience } = {}) {
  const signals = [AbortSignal.timeout(most), signal].filter(Boolean);
  let reply;
  try {
    const answer = await fetch(path, {
      method, keepalive, body: body && JSON.stringify(body), signal: AbortSignal.any(signals), cache: "no-store",
    });
    reply = await answer.json();
  } catch (why) {
    if (signal?.aborted) throw why;
    throw new Unreachable("natslock does not answer", { cause: why });
  }
  if (reply.status === "unavailable") throw new Unreachable(reply.message);
  return reply;
}

// refused returns how many acquires this natslock has answered with held since it
// was started, or undefined where it does not say.
export async function refused() {
  try {
    const answer = await fetch(`${location.origin}/metrics`, { signal: AbortSignal.timeout(patience) });
    if (!answer.ok) return undefined;
    const line = /^natslock_requests_total\{status="held",verb="acquire"\} (\S+)$/m.exec(await answer.text());
    return line ? Number(line[1]) : undefined;
  } catch {
    return undefined; // the list, asked at the same time, says that the connection is lost
  }
}
