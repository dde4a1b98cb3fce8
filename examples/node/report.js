// Writes a report that only one process may write at a time: npm start
import { connect } from "@nats-io/transport-node";
import { Locks } from "./locks.js";

process.on("uncaughtException", (error) => {
  console.error(`no report: ${error.message}`);
  process.exit(1);
});

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
const locks = new Locks(nc, { client: "reporter" });

await locks.with("report", async ({ token, signal }) => {
  signal.throwIfAborted(); // do so between steps, or hand the signal on to fetch
  console.log(`writing the report, fenced by token ${token}`);
}, { wait: 60_000 });

await nc.drain();
