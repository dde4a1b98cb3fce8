// The server of npm, which echoes as the conformance program does.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], pingInterval: 25000, pingTimeout: 20000 });
io.on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
});
http.listen(0, "127.0.0.1", () => console.log(`ready at 127.0.0.1:${http.address().port}`));
