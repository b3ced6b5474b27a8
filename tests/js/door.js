// A browser comes to the doors of several servers: `node door.js`.
//
// Set in the environment: CHROMIUM, and a HOME that trusts an authority. Says `do visits <port>`: there is its page, as
// http://localhost and, which is another origin, as http://127.0.0.1. The answer is a JSON list of visits,
// { name, url, page, cookies }: the page is one of these two, or a path of the server itself. What became of each is reported.

import { createServer, connect as connectTcp } from "node:net";

import { withBrowser } from "./chromium.js";
import { bundle, servePage } from "./pages.js";
import { ask, main, report } from "./parent.js";

main(async () => {
  const port = await servePage("dunlin's door", "");
  const visits = JSON.parse(await ask(`visits ${port}`));
  await withBrowser(async (browser) => {
    await browser.addInitScript(await bundle("page-door.js"));
    for (const { name, url, page = `http://localhost:${port}/`, cookies = {} } of visits) {
      await browser.clearCookies();
      await browser.addCookies(Object.entries(cookies).map(([name, value]) => ({ name, value, domain: "localhost", path: "/" })));
      report(`${name}: ${await visit(browser, page, url)}`);
    }
  });
});

/** What became of a page's visit, in words: what it heard, what was agreed, what went over the wire. */
async function visit(browser, page, url) {
  const target = new URL(url);
  const wire = await relay(target.port);
  target.port = wire.port;
  const tab = await browser.newPage();
  const seen = await watch(browser, tab);
  await tab.goto(page.startsWith("/") ? target.href.replace(/^ws(.*)\/$/, `http$1${page}`) : page);
  wire.sent = wire.received = 0;
  const heard = await tab.evaluate((url) => window.visit(url), target.href);
  const size = (bytes) => (bytes > 100_000 ? "long" : bytes < 10_000 ? "short" : bytes);
  await tab.close();
  if (heard !== "heard") {
    return seen.error ?? heard;
  }
  return `heard, ${seen.extensions ?? "plain"}, ${size(wire.sent)} there and ${size(wire.received)} back`;
}

/** Notes what the browser says of a tab's WebSockets: the extensions that were agreed on, and why one has failed. */
async function watch(browser, tab) {
  const session = await browser.newCDPSession(tab);
  await session.send("Network.enable");
  const seen = {};
  session.on("Network.webSocketHandshakeResponseReceived", ({ response }) => {
    const headers = Object.entries(response.headers);
    seen.extensions = headers.find(([name]) => name.toLowerCase() === "sec-websocket-extensions")?.[1];
  });
  session.on("Network.webSocketFrameError", ({ errorMessage }) => (seen.error = errorMessage));
  return seen;
}

/** Lies between browser and server, and counts the bytes. */
async function relay(port) {
  const wire = { sent: 0, received: 0 };
  const server = createServer((client) => {
    const link = connectTcp(port, "127.0.0.1");
    client.on("data", (bytes) => (wire.sent += bytes.length)).on("error", () => link.destroy()).pipe(link);
    link.on("data", (bytes) => (wire.received += bytes.length)).on("error", () => client.destroy()).pipe(client);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  wire.port = server.address().port;
  return wire;
}
