// The clients: two versions, over each transport and over the upgrade.
import { io as io4 } from "socket.io-client";
import { io as io3 } from "socket.io-client-3";

export const versions = { 4: io4, 3: io3 };
export const transports = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

// each calls test with every kind of client.
export function each(test) {
  for (const [version, io] of Object.entries(versions)) {
    for (const [name, list] of Object.entries(transports)) {
      test(`socket.io-client ${version}, ${name}`, (url, options) =>
        io(url, { forceNew: true, transports: list, reconnectionDelay: 50, ...options }));
    }
  }
}

// next resolves with the arguments of the next event.
export function next(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
}

// ask emits an event and resolves with its acknowledgement.
export function ask(socket, event, ...args) {
  return new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));
}
