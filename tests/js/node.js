// The checks in Node: `node node.js tcp|nats.ws|nats-core`.
//
// Set in the environment: NATS_URL, WEBSOCKET_URL; where the server asks for them NATS_USER and NATS_PASSWORD; where it
// has a certificate, its authority in NODE_EXTRA_CA_CERTS.

import * as core from "@nats-io/nats-core";
import * as tcp from "@nats-io/transport-node";
import * as natsws from "nats.ws";
import WebSocket from "ws";

import { runChecks } from "./checks.js";
import { credentials, main, report, restart } from "./parent.js";

const agreed = new Set();

// Node 20 has none of its own. This one compresses where the server does.
globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("open", () => agreed.add(this.extensions || "no extension"));
  }
};

const isNoResponders = (error) => error instanceof core.NoRespondersError || error.cause instanceof core.NoRespondersError;

const websocket = { servers: process.env.WEBSOCKET_URL, ...credentials };

const libraries = {
  tcp: {
    connect: (options) => tcp.connect({ servers: process.env.NATS_URL, ...credentials, ...options }),
    headers: tcp.headers,
    isNoResponders,
  },
  "nats-core": {
    connect: (options) => core.wsconnect({ ...websocket, ...options }),
    headers: core.headers,
    isNoResponders,
  },
  "nats.ws": {
    connect: (options) => natsws.connect({ ...websocket, ...options }),
    headers: natsws.headers,
    isNoResponders: (error) => error.code === natsws.ErrorCode.NoResponders,
  },
};

main(async () => {
  await runChecks(libraries[process.argv[2]], report, restart);
  for (const extension of agreed) {
    report(`with ${extension}`);
  }
});
