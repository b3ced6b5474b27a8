// The browser page's client: `nats.ws`.

import { connect, ErrorCode, headers } from "nats.ws";

import { start } from "./page.js";

start({
  connect: (options) => connect({ ...window.options, ...options }),
  headers,
  isNoResponders: (error) => error.code === ErrorCode.NoResponders,
});
