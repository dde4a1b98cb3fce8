// A process that takes a lock, says so, and holds it until it is killed.
import { connect } from "./client.js";

const [address, name] = process.argv.slice(2);
const { locked } = await connect(address).lock({ name });
console.log(locked ? "locked" : "not locked");
setInterval(() => {}, 1 << 30);
