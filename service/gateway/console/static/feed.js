// The stream of events, and whether there is one: it is opened again until it is.

const types = ["granted", "released", "expired", "orphaned", "forced", "queued", "canceled"];
const soonest = 300, latest = 5000; // between attempts

// Feed tells of a realm's events, and of its state: connecting, live, lost, paused.
export class Feed {
  #source;
  #timer;
  #delay = soonest;
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
    source.onerror = () => this.lose();
    for (const type of types) source.addEventListener(type, (e) => this.onEvent(JSON.parse(e.data)));
  }

  // lose takes note that the connection is lost, and opens another one in a while.
  lose() {
    this.#drop();
    this.#timer = setTimeout(() => this.open(), this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(this.#delay * 1.6, latest);
    this.#become("lost");
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
  }

  #become(state) {
    const before = this.state;
    this.state = state;
    if (state !== before) this.onState(state);
  }
}
