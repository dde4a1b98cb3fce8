// A web site: a page, and perhaps a natslock behind it, as a reverse proxy has one.
import { createServer, request } from "node:http";
import net from "node:net";

// site serves what page returns at every path but /socket.io/, which is natslock's.
export async function site(page, natslock) {
  const server = createServer((asked, answer) => {
    if (!asked.url.startsWith("/socket.io/")) {
      answer.setHeader("Content-Type", "text/html");
      answer.end(page());
      return;
    }
    const { method, headers } = asked;
    const passed = request(natslock() + asked.url, { method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    asked.pipe(passed);
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
  });
  server.on("upgrade", (asked, near) => {
    const far = net.connect(new URL(natslock()).port, "127.0.0.1");
    far.write(`GET ${asked.url} HTTP/1.1\r\n`);
    for (let i = 0; i < asked.rawHeaders.length; i += 2) far.write(`${asked.rawHeaders[i]}: ${asked.rawHeaders[i + 1]}\r\n`);
    far.write("\r\n");
    for (const [one, other] of [[near, far], [far, near]]) {
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
