// Chromium with a profile and a home of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Runs `script` with a browser. Whom it trusts stands in the home that the environment names. */
export async function withBrowser(script) {
  const profile = mkdtempSync(join(tmpdir(), "dunlin-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: flags,
    viewport: { width: 800, height: 700 },
  });
  try {
    return await script(browser);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** A tab at `url` that has run its scripts, whose messages and errors are printed. */
export async function openTab(browser, url) {
  const tab = await browser.newPage();
  tab.on("console", (message) => console.error(`page: ${message.text()}`));
  tab.on("pageerror", (error) => console.error(`page: ${error.stack}`));
  await tab.goto(url);
  return tab;
}
