// A client that is going to be killed: killed.js URL VERSION TRANSPORT... locks, says
// so, and stays.
import { transports, versions } from "./clients.js";

const [url, version, kind] = process.argv.slice(2);
const socket = versions[version](url, { transports: transports[kind], query: { realm: "killed", client_id: `${version} ${kind}` } });
socket.on("lock", ({ status }) => console.log(status));
socket.on("connect", () => socket.emit("lock", { resource: `${version} ${kind}` }));
