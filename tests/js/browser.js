// The checks in Chromium: `node browser.js nats-ws|nats-core`.
//
// Set in the environment: CHROMIUM, NATS_URL, WEBSOCKET_URL, and SCREENSHOT, the file for a picture; where the server asks
// for them NATS_USER and NATS_PASSWORD; where it has a certificate, a HOME that trusts its authority.

import { connect } from "@nats-io/transport-node";

import { openTab, withBrowser } from "./chromium.js";
import { bundle, servePage } from "./pages.js";
import { credentials, main, report, restart } from "./parent.js";

const library = process.argv[2];

main(async () => {
  const port = await servePage(`dunlin and ${library}`, await bundle(`page-${library}.js`));
  await withBrowser(async (browser) => {
    await browser.exposeFunction("report", report);
    await browser.exposeFunction("restart", restart);
    const options = { servers: process.env.WEBSOCKET_URL, ...credentials };
    await browser.addInitScript(`window.options = ${JSON.stringify(options)}`);
    const tab = await openTab(browser, `http://localhost:${port}/`);
    await tab.evaluate(() => window.runChecks());
    await chat(tab, await openTab(browser, `http://localhost:${port}/`));
    await tab.screenshot({ path: process.env.SCREENSHOT });
    report("screenshot");
  });
});

/** Two tabs and a TCP client: each hears the other two. */
async function chat(one, two) {
  const node = await connect({ servers: process.env.NATS_URL, noEcho: true, ...credentials });
  const heard = node.subscribe("chat.>", { max: 2 });
  await node.flush();
  await one.evaluate(() => window.joinChat());
  await two.evaluate(() => window.joinChat());
  await one.evaluate(() => window.say("chat.one", "hello from tab one"));
  await two.evaluate(() => window.say("chat.two", "grüße from tab two"));
  node.publish("chat.node", "hello from node over tcp");
  await node.flush();
  const inNode = [];
  for await (const msg of heard) {
    inNode.push(`${msg.subject}: ${msg.string()}`);
  }
  expect("node", inNode, ["chat.one: hello from tab one", "chat.two: grüße from tab two"]);
  const inOne = await one.evaluate(() => window.hear(2));
  expect("tab one", inOne, ["chat.node: hello from node over tcp", "chat.two: grüße from tab two"]);
  const inTwo = await two.evaluate(() => window.hear(2));
  expect("tab two", inTwo, ["chat.node: hello from node over tcp", "chat.one: hello from tab one"]);
  await node.close();
  report("two tabs and a tcp client");
}

function expect(who, heard, wanted) {
  const got = heard.toSorted().join("; ");
  if (got !== wanted.join("; ")) {
    throw new Error(`${who} heard ${got}, not ${wanted.join("; ")}`);
  }
}
