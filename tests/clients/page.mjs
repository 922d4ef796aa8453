/*
 * tests/clients/page.mjs: the live page in a browser, while transactions come.
 *
 *   node page.mjs URL HASH SCREENSHOT
 *
 * Says when the page listens, so that HASH is sent after that; ends when HASH
 * is shown, or after 30 s.
 *
 * From: tests/system/test_page.py.
 * To:   standard output, as lines of JSON.
 */
import { openBrowser } from "./browser.mjs";

const [url, hash, screenshot] = process.argv.slice(2);
const said = (object) => console.log(JSON.stringify(object));
const errors = [], requests = [], answers = [];

const browser = await openBrowser();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.on("console", (m) => {
  if (["error", "warning"].includes(m.type())) errors.push(m.text());
});
page.on("pageerror", (e) => errors.push(String(e)));
page.on("request", (r) => requests.push(r.url()));
page.on("websocket", (w) => requests.push(w.url()));
page.on("response", (r) => answers.push([r.status(), r.url()]));

await page.goto(url);
await page.waitForSelector("#state[data-state=live]", { timeout: 30_000 });
said({ listens: true });

const shown = `#rows td.hash[title="${hash}"]`;
await page.waitForSelector(shown, { timeout: 30_000 });
const rows = await page.locator("#rows tr").count();
await page.waitForFunction(() =>
  /[1-9]/.test(document.getElementById("verified").textContent), null,
{ timeout: 30_000 });
await page.screenshot({ path: screenshot });

await page.locator(shown).first().click();
await page.waitForSelector("#detail[open]", { timeout: 10_000 });
await page.waitForFunction((h) =>
  document.getElementById("detail").textContent.includes(h), hash,
{ timeout: 10_000 });
await page.keyboard.press("Escape");

await page.setViewportSize({ width: 390, height: 844 });
const wide = await page.evaluate(() =>
  document.documentElement.scrollWidth - document.documentElement.clientWidth);
await page.screenshot({ path: screenshot.replace(".png", "-phone.png") });

said({ rows, verified: await page.textContent("#verified"), wide, errors,
  requests, answers });
await browser.close();
