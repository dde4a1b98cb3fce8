// The stream of events, and whether there is one: it is opened again until it is.

const types = ["granted", "released", "expired", "orphaned", "forced", "queued", "canceled"];
const final = new Set(["invalid", "denied"]); // refusals that stay the same
const soonest = 300, latest = 5000; // between attempts

// Feed tells of a realm's events, and of its state: connecting, live, lost, paused,
// refused. Of lost and refused it tells why, if natslock has said so.
export class Feed {
  #source;
  #timer;
  #delay = soonest;
  #why;
  state = "connecting";

  constructor(realm, { onEvent, onState }) {
    this.realm = realm;
    this.onEvent = onEvent;
    this.onState = onState;
  }

  open() {
    this.#drop();
    const source = this.#source = this.realm.events();
    source.onopen = () => {
      this.#delay = soonest;
      this.#become("live");
    };
    source.onerror = () => this.#fail(source);
    for (const type of types) source.addEventListener(type, (e) => this.onEvent(JSON.parse(e.data)));
  }

  // fail finds out why a stream has ended: one that browsers do not open again by
  // themselves was refused.
  async #fail(source) {
    const reply = source.readyState === EventSource.CLOSED ? await this.realm.refusal() : undefined;
    if (source !== this.#source) return; // meanwhile there is another one, or none is wanted
    const why = reply && (reply.message ?? reply.status);
    if (final.has(reply?.status)) this.#refuse(why);
    else this.lose(why);
  }

  // lose takes note that the connection is lost, and opens another one in a while.
  lose(why) {
    this.#drop();
    this.#timer = setTimeout(() => this.open(), this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 1.6, latest);
    this.#become("lost", why);
  }

  #refuse(why) {
    this.#drop();
    this.#become("refused", why);
  }

  pause() {
    this.#drop();
    this.#become("paused");
  }

  close() {
    this.#drop();
    this.onState = this.onEvent = () => {};
  }

  // hurry tries now what would be tried in a while.
  hurry() {
    if (this.state === "lost" || this.state === "paused") this.open();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #become(state, why) {
    const before = `${this.state} ${this.#why}`;
    this.state = state;
    this.#why = why;
    if (`${state} ${why}` !== before) this.onState(state, why);
  }
}
