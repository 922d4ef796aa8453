/*
 * tests/clients/browser.mjs: the machine's own Chromium, headless.
 *
 * From: every script here that looks at a page.
 * To:   playwright-core, which brings no browser of its own.
 */
import { chromium } from "playwright-core";

/* A browser; close() it. CHROMIUM names another program. */
export function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    /* As root, and in a container, Chromium cannot make its sandbox. */
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
}
