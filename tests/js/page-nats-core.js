// The browser page's client: `wsconnect` of `@nats-io/nats-core`.

import { headers, NoRespondersError, wsconnect } from "@nats-io/nats-core";

import { start } from "./page.js";

start({
  connect: (options) => wsconnect({ ...window.options, ...options }),
  headers,
  isNoResponders: (error) => error instanceof NoRespondersError || error.cause instanceof NoRespondersError,
});
