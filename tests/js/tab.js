// A tab that stops reading, and goes on later: `node tab.js`.
//
// Set in the environment: CHROMIUM, WEBSOCKET_URL, and SCREENSHOT, the file for a picture. Says `do flood` while the tab
// stands still; the answer is the number that comes last. Then `do compare <numbers>` with what the tab has got, and again, to
// see that it goes on.

import { openTab, withBrowser } from "./chromium.js";
import { bundle, servePage } from "./pages.js";
import { ask, main, report } from "./parent.js";

main(async () => {
  const port = await servePage("a tab that stood still", await bundle("page-tab.js"));
  await withBrowser(async (browser) => {
    const tab = await openTab(browser, `http://localhost:${port}/`);
    await tab.evaluate((url) => window.show(url), process.env.WEBSOCKET_URL);

    const session = await browser.newCDPSession(tab);
    const paused = new Promise((resolve) => session.once("Debugger.paused", resolve));
    await session.send("Debugger.enable");
    await tab.evaluate(() => void setTimeout(() => {
      debugger;
    }));
    await paused;
    let last = Number(await ask("flood"));
    await session.send("Debugger.resume");

    for (const round of ["caught up", "went on"]) {
      await tab.waitForFunction((last) => window.numbers.at(-1) === last, last);
      const numbers = await tab.evaluate(() => window.numbers.splice(0));
      last = Number(await ask(`compare ${JSON.stringify(numbers)}`));
      report(round);
    }
    const statuses = await tab.evaluate(() => window.statuses);
    report(`it saw ${statuses.length} changes of its connection`);
    await tab.screenshot({ path: process.env.SCREENSHOT });
    report("screenshot");
  });
});
