// A client of LDLM, as those are written who call it with gRPC: by its proto file.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const proto = fileURLToPath(new URL("../../ldlmpb/ldlm.proto", import.meta.url));
const { ldlm } = grpc.loadPackageDefinition(
  loader.loadSync(proto, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true }),
);

// connect returns a client with a connection of its own. Its methods return promises
// that have a call, to be canceled.
export function connect(address, { password, credentials = grpc.credentials.createInsecure(), options = {} } = {}) {
  const stub = new ldlm.LDLM(address, credentials, { "grpc.use_local_subchannel_pool": 1, ...options });
  const metadata = new grpc.Metadata();
  if (password !== undefined) metadata.set("authorization", password);
  const method = (name) => (request, callOptions = {}) => {
    let call;
    const answer = new Promise((resolve, reject) => {
      call = stub[name](request, metadata, callOptions, (err, response) => (err ? reject(err) : resolve(response)));
    });
    return Object.assign(answer, { call });
  };
  return {
    lock: method("Lock"),
    tryLock: method("TryLock"),
    unlock: method("Unlock"),
    renew: method("Renew"),
    close: () => stub.close(),
  };
}
