// A wire to natslock that can be cut.
import net from "node:net";

export class Wire {
  #open = new Set();
  #server;

  constructor(port) {
    this.to = port;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async mend() {
    this.#server = net.createServer((near) => {
      const far = net.connect(this.to, "127.0.0.1");
      for (const [one, other] of [[near, far], [far, near]]) {
        this.#open.add(one);
        one.pipe(other);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#open.delete(one);
          other.destroy();
        });
      }
    });
    await new Promise((done, failed) => {
      this.#server.on("error", failed);
      this.#server.listen(this.port ?? 0, "127.0.0.1", done);
    });
    this.port = this.#server.address().port;
  }

  async cut() {
    const closed = new Promise((done) => this.#server.close(done));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
