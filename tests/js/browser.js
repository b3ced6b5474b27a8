// The checks in Chromium: `node browser.js nats-ws|nats-core`.
//
// Set in the environment: CHROMIUM, NATS_URL, WEBSOCKET_URL, and SCREENSHOTS, the folder for the pictures.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { connect } from "@nats-io/transport-node";
import { build } from "esbuild";
import { chromium } from "playwright-core";

import { main, report, restart } from "./parent.js";

const library = process.argv[2];
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

main(async () => {
  const origin = await servePage();
  const profile = mkdtempSync(join(tmpdir(), "dunlin-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: flags,
    viewport: { width: 800, height: 700 },
  });
  try {
    await browser.exposeFunction("report", report);
    await browser.exposeFunction("restart", restart);
    await browser.addInitScript(`window.websocketUrl = ${JSON.stringify(process.env.WEBSOCKET_URL)}`);
    const tab = await openTab(browser, origin);
    await tab.evaluate(() => window.runChecks());
    await chat(tab, await openTab(browser, origin));
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await tab.screenshot({ path: join(process.env.SCREENSHOTS, `${library}.png`) });
    report("screenshot");
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
});

/** Serves the page with its bundled script on a free port. */
async function servePage() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`page-${library}.js`, import.meta.url))],
    bundle: true,
    // nats.ws looks for it where the browser's own is missing.
    external: ["crypto"],
    format: "esm",
    write: false,
    logLevel: "error",
  });
  const html = `<!doctype html><meta charset="utf-8"><title>dunlin and ${library}</title>
    <style>body { font: 15px sans-serif; margin: 1em 2em; } ul { list-style: none; padding: 0; }</style>
    <h1>dunlin and ${library}</h1><ul></ul><script type="module" src="/page.js"></script>`;
  const server = createServer((request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("Content-Type", "text/javascript");
      return response.end(outputFiles[0].contents);
    }
    response.setHeader("Content-Type", "text/html");
    response.end(request.url === "/" ? html : "");
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  return `http://localhost:${server.address().port}/`;
}

async function openTab(browser, origin) {
  const tab = await browser.newPage();
  tab.on("console", (message) => console.error(`page: ${message.text()}`));
  tab.on("pageerror", (error) => console.error(`page: ${error.stack}`));
  await tab.goto(origin);
  await tab.waitForFunction(() => window.runChecks !== undefined);
  return tab;
}

/** Two tabs and a TCP client: each hears the other two. */
async function chat(one, two) {
  const node = await connect({ servers: process.env.NATS_URL, noEcho: true });
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
