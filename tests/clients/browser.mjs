/*
 * tests/clients/browser.mjs: the machine's own Chromium, headless.
 *
 * From: every script here that looks at a page.
 * To:   playwright-core, which brings no browser of its own.
 */
import { chromium } from "playwright-core";

/* A browser with a profile of its own; close() it. CHROMIUM names another. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      /* As root, and in a container, Chromium cannot make its sandbox. */
      "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
      /* It talks to nobody but the page's server. */
      "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}
