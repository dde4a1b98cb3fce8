// How long a text may be, in bytes, as the protocol counts: maxlength counts otherwise,
// and silently cuts what is pasted.
const utf8 = new TextEncoder();

// bound has the browser refuse what an input has too much of.
export function bound(input) {
  const most = Number(input.dataset.bytes);
  if (!most) return;
  const { length } = utf8.encode(input.value);
  input.setCustomValidity(length > most ? `At most ${most} bytes, and this is ${length}.` : "");
}
