// Who may connect: `node auth.js tcp|nats.ws|nats-core`, with USERS_URL and TOKEN_URL of two servers set.
//
// The first has the users `a` (password `b`) and `h` (password `secret`, hashed), and takes both from the cookies `u` and `p`; the
// second has the token `t`.

import * as core from "@nats-io/nats-core";
import * as tcp from "@nats-io/transport-node";
import * as natsws from "nats.ws";
import WebSocket from "ws";

import { main, report } from "./parent.js";

const library = process.argv[2];
const connect = { tcp: tcp.connect, "nats-core": core.wsconnect, "nats.ws": natsws.connect }[library];
const { USERS_URL: users, TOKEN_URL: token } = process.env;

let cookie;

// What a browser does by itself: it sends the cookies of the page's origin along.
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, cookie ? { headers: { cookie } } : {});
  }
};

async function enters(servers, options) {
  const nc = await connect({ servers, reconnect: false, ...options });
  await nc.flush();
  await nc.close();
}

async function isRefused(servers, options) {
  try {
    await enters(servers, options);
  } catch (error) {
    if (/authorization.violation/i.test(`${error.message} ${error.code}`)) {
      return;
    }
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was let in`);
}

main(async () => {
  await enters(users, { user: "a", pass: "b" });
  report("user and password");
  await enters(users, { user: "h", pass: "secret" });
  report("hashed password");
  await isRefused(users, { user: "a", pass: "x" });
  await isRefused(users, { user: "h", pass: "x" });
  await isRefused(users, { token: "t" });
  await isRefused(users, {});
  report("wrong credentials");
  await enters(token, { token: "t" });
  await isRefused(token, { token: "x" });
  report("token");
  if (library === "tcp") {
    return;
  }
  cookie = "other=1; u=a; p=b";
  await enters(users, {});
  await isRefused(users, { user: "h" });
  cookie = "u=a; p=x";
  await isRefused(users, {});
  report("cookies");
});
