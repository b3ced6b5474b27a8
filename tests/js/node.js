// The checks in Node: `node node.js tcp|nats.ws|nats-core`, with NATS_URL or WEBSOCKET_URL set.

import * as core from "@nats-io/nats-core";
import * as tcp from "@nats-io/transport-node";
import * as natsws from "nats.ws";
import WebSocket from "ws";

import { runChecks } from "./checks.js";
import { main, report, restart } from "./parent.js";

// Node 20 has none of its own.
globalThis.WebSocket ??= WebSocket;

const isNoResponders = (error) => error instanceof core.NoRespondersError || error.cause instanceof core.NoRespondersError;

const libraries = {
  tcp: {
    connect: (options) => tcp.connect({ servers: process.env.NATS_URL, ...options }),
    headers: tcp.headers,
    isNoResponders,
  },
  "nats-core": {
    connect: (options) => core.wsconnect({ servers: process.env.WEBSOCKET_URL, ...options }),
    headers: core.headers,
    isNoResponders,
  },
  "nats.ws": {
    connect: (options) => natsws.connect({ servers: process.env.WEBSOCKET_URL, ...options }),
    headers: natsws.headers,
    isNoResponders: (error) => error.code === natsws.ErrorCode.NoResponders,
  },
};

main(() => runChecks(libraries[process.argv[2]], report, restart));
