// Elements, made without a word of HTML, so that no name of a lock can be any.

// element makes one with attributes and children, text or elements.
export function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) e.setAttribute(name, value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== ""));
  return e;
}

const svg = "http://www.w3.org/2000/svg";

// shape makes an element of a drawing.
export function shape(tag, attributes = {}, ...children) {
  const e = document.createElementNS(svg, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// write sets a text, if it is another one.
export function write(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// span says how long something is: 52 s, 4:07, 3 h 20, 5 d.
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h ${String(Math.floor(s / 60) % 60).padStart(2, "0")}`;
  return `${Math.floor(s / 86400)} d`;
}

// by names a holder or waiter: its client, and its owner if that says more.
export function by(who) {
  const client = who.client || "nobody named";
  return who.owner && who.owner !== who.client && who.owner.length <= 24 ? `${client} (${who.owner})` : client;
}
