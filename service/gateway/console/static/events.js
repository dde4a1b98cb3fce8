// The events as they are shown: the last ones, the newest first.
import { by, element, span } from "./dom.js";

const kept = 200;

export class Events {
  #events = [];
  #query = "";
  #due = false;

  constructor(list, empty) {
    Object.assign(this, { list, empty });
  }

  add(event) {
    this.#events.unshift(event);
    this.#events.length = Math.min(this.#events.length, kept);
    this.#draw();
  }

  clear() {
    this.#events = [];
    this.#draw();
  }

  search(query) {
    this.#query = query;
    this.#draw();
  }

  // draw shows all, once for however many have come at the same time.
  #draw() {
    if (this.#due) return;
    this.#due = true;
    setTimeout(() => {
      this.#due = false;
      const found = this.#events.filter((e) => [e.type, e.name, e.client, e.owner, e.token, e.reason].some((t) => t !== undefined && String(t).toLowerCase().includes(this.#query)));
      this.list.replaceChildren(...found.map(line));
      this.empty.hidden = found.length > 0;
      this.empty.textContent = this.#events.length ? "No event is like that." : "Nothing has happened yet.";
    }, 50);
  }
}

function line(e) {
  if (e.line) return e.line;
  const more = [by(e)];
  if (e.type === "granted") more.push(`token ${e.token}`);
  if (e.waited_ms) more.push(`waited ${span(e.waited_ms)}`);
  if (e.held_ms !== undefined) more.push(`held ${span(e.held_ms)}`);
  if (e.reason && e.reason !== "release") more.push(e.reason);
  return e.line = element("li", {},
    element("time", { datetime: e.at }, new Date(e.at).toLocaleTimeString([], { hour12: false })),
    element("span", { class: "type", "data-type": e.type }, e.type),
    element("span", {}, e.name),
    element("span", { class: "more" }, more.join(" · ")));
}
