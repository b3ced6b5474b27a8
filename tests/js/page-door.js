// A page that comes to a server, says something long, and hears it.

import { wsconnect } from "@nats-io/nats-core";

/** 100 kB that a compressor makes nothing of. */
const long = '{"temperature":21.5,"unit":"C"}'.repeat(3300);

/** What became of the visit: "heard", or why not. */
window.visit = async (url) => {
  try {
    const nc = await wsconnect({ servers: url, reconnect: false });
    const sub = nc.subscribe("door", { max: 1 });
    nc.publish("door", long);
    for await (const msg of sub) {
      if (msg.string() !== long) {
        return "heard something else";
      }
    }
    await nc.close();
    return "heard";
  } catch (error) {
    return error.message;
  }
};
