// What has happened in the last minutes, as bars, one row for each kind.
import { element, shape, write } from "./dom.js";

const width = 5000; // of a bar, in milliseconds
const bars = 120;
const height = 34;
const series = { granted: "granted", queued: "waits", refused: "refused" };

export class Chart {
  #slots = []; // the newest last: { at, seen, granted, queued, refused }
  #rows = {};

  constructor(root) {
    for (const [name, title] of Object.entries(series)) {
      const unseen = shape("path", { class: "unseen" });
      const drawn = shape("path", { class: "bars" });
      const total = element("b", {}, "0");
      const picture = shape("svg", { viewBox: `0 0 ${bars * 2} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, unseen, drawn);
      root.append(element("div", { class: "series", "data-series": name }, element("div", {}, total, element("span", {}, title)), picture));
      this.#rows[name] = { unseen, drawn, total };
    }
    root.append(element("div", { class: "axis", "aria-hidden": "true" }, element("span", {}, "10 min ago"), element("span", {}, "5"), element("span", {}, "now")));
  }

  count(name, n = 1) {
    this.#slot()[name] += n;
  }

  // tick moves on. Only what was seen is drawn as such.
  tick(live) {
    const slot = this.#slot();
    slot.seen ||= live;
    this.#draw();
  }

  clear() {
    this.#slots = [];
    this.#draw();
  }

  #slot() {
    const at = Math.floor(Date.now() / width);
    const last = this.#slots.at(-1);
    if (last && at <= last.at) return last; // also if the clock was set back
    const slot = { at, seen: false, granted: 0, queued: 0, refused: 0 };
    this.#slots.push(slot);
    this.#slots = this.#slots.filter((s) => s.at > at - bars);
    return slot;
  }

  #draw() {
    const now = Math.floor(Date.now() / width);
    const place = (s) => 2 * (bars - 1 - now + s.at);
    const seen = new Set(this.#slots.filter((s) => s.seen).map(place));
    let gaps = "";
    for (let x = 0; x < 2 * bars; x += 2) if (!seen.has(x)) gaps += `M${x} 0h2v${height}h-2z`;
    for (const [name, row] of Object.entries(this.#rows)) {
      const most = Math.max(4, ...this.#slots.map((s) => s[name]));
      let path = "", total = 0;
      for (const s of this.#slots) {
        total += s[name];
        const h = s[name] && Math.max(2, Math.round(height * s[name] / most));
        if (h) path += `M${place(s) + 0.2} ${height}v${-h}h1.6v${h}z`;
      }
      row.unseen.setAttribute("d", gaps);
      row.drawn.setAttribute("d", path);
      write(row.total, total.toLocaleString("en"));
    }
  }
}
