// The React example in Chromium: `node dashboard.js`.
//
// Set in the environment: CHROMIUM, NATS_URL, WEBSOCKET_URL, and SCREENSHOT, the file for a picture.

import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { connect, createInbox } from "@nats-io/transport-node";

import { openTab, withBrowser } from "./chromium.js";
import { main, report, restart } from "./parent.js";

const folder = fileURLToPath(new URL("../../examples/react-dashboard/", import.meta.url));

main(async () => {
  execFileSync("npm", ["run", "build"], { cwd: folder, stdio: ["ignore", 2, 2] });
  report("build");
  const vite = await import(createRequire(folder).resolve("vite"));
  const { resolvedUrls } = await vite.preview({ root: folder, preview: { host: "localhost", port: 0 } });
  await withBrowser(async (browser) => {
    const server = encodeURIComponent(process.env.WEBSOCKET_URL);
    const tab = await openTab(browser, `${resolvedUrls.local[0]}?server=${server}`);
    const wanted = [];
    await publish(wanted, "first");
    await shows(tab, wanted);
    report("messages in order");
    await restart();
    await publish(wanted, "second");
    await shows(tab, wanted);
    report("messages after a restart");
    await tab.screenshot({ path: process.env.SCREENSHOT });
    report("screenshot");
  });
});

/** Publishes over TCP once the page listens, and adds what it must show to `wanted`. */
async function publish(wanted, round) {
  const nc = await connect({ servers: process.env.NATS_URL });
  const say = (subject, text) => {
    nc.publish(subject, text);
    wanted.push(text);
  };
  await untilHeard(nc, "dashboard.ready", `${round}: ready`);
  wanted.push(`${round}: ready`);
  for (let i = 0; i < 10; i++) {
    say("dashboard.cpu", `${round}: cpu ${i}`);
    say("dashboard.rooms.kitchen", `${round}: grüße aus der küche ${i}`);
    nc.publish("dashboards", "of another subject");
  }
  await nc.flush();
  await nc.close();
}

/** Publishes until a message is not answered by "no responders": somebody has got it. */
async function untilHeard(nc, subject, text) {
  for (;;) {
    const nobody = nc.subscribe(createInbox(), { max: 1 });
    nc.publish(subject, text, { reply: nobody.getSubject() });
    await nc.flush();
    if (nobody.getReceived() === 0) {
      return nobody.unsubscribe();
    }
  }
}

async function shows(tab, wanted) {
  const rows = () => tab.locator("#root > div > div").allTextContents();
  await tab.waitForFunction((count) => document.querySelectorAll("#root > div > div").length >= count, wanted.length);
  const got = await rows();
  if (got.join("\n") !== wanted.join("\n")) {
    throw new Error(`the page shows\n${got.join("\n")}\nnot\n${wanted.join("\n")}`);
  }
}
