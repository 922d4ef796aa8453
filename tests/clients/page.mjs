/*
 * tests/clients/page.mjs: the live page in a browser, while transactions come.
 *
 *      node page.mjs URL FOLDER
 *
 * What to do next comes on standard input, one JSON array a line, and each is
 * answered with one line. Screenshots go to FOLDER.
 *
 *      ["open"]                      until the page is live
 *      ["shown", hash]               until that row is there; how many rows
 *      ["detail", hash]              its dialog, as text
 *      ["follow", words]             the filter; what the page says then
 *      ["all"] ["pause"] ["go on"]
 *      ["state", name]               until the page says so
 *      ["seen"]                      rows, numbers, and who was asked for what
 *      ["picture", name, width, height, scheme]
 *
 * From: tests/system/test_page.py.
 * To:   standard output.
 */
import { createInterface } from "node:readline";
import { openBrowser } from "./browser.mjs";

const [url, folder] = process.argv.slice(2);
const errors = [], requests = [], answers = [];
const browser = await openBrowser();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(20_000);
page.on("console", (m) => {
  if (["error", "warning"].includes(m.type())) errors.push(m.text());
});
page.on("pageerror", (e) => errors.push(String(e)));
page.on("request", (r) => requests.push(r.url()));
page.on("websocket", (w) => requests.push(w.url()));
page.on("response", (r) => answers.push([r.status(), r.url()]));

const row = (hash) => page.locator(`#rows td.hash[title="${hash}"]`).first();
const state = (name) => page.waitForSelector(`#state[data-state=${name}]`);

const steps = {
  async open() {
    await page.goto(url);
    await state("live");
  },
  async shown(hash) {
    await row(hash).waitFor();
    return page.locator("#rows tr").count();
  },
  async detail(hash) {
    await row(hash).click();
    await page.waitForSelector("#detail[open]");
    await page.waitForFunction(() => /payload|reason/.test(
      document.getElementById("fields").textContent));
    const text = await page.textContent("#detail");
    await page.screenshot({ path: `${folder}/page-detail.png` });
    await page.keyboard.press("Escape");
    await page.mouse.move(1, 1);  /* rows under a pointer stand still */
    return text;
  },
  async follow(words) {
    await page.fill("#wanted", words);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => {
      const said = document.getElementById("state-text").textContent;
      return said === "following" ||
        !document.getElementById("note").hidden;
    });
    return {
      state: await page.textContent("#state-text"),
      note: await page.isVisible("#note") ? await page.textContent("#note")
        : null,
      invalid: await page.getAttribute("#wanted", "aria-invalid"),
    };
  },
  async all() {
    await page.click("#all");
    await state("live");
  },
  async pause() {
    await page.click("#pause");
    await state("paused");
  },
  "go on": () => page.click("#pause"),
  state,
  async seen() {
    const text = (name) => page.textContent(`#${name}`);
    return {
      rows: await page.$$eval("#rows tr", (rows) => rows.map((r) => ({
        type: r.dataset.type, hash: r.querySelector(".hash").title,
        from: r.querySelector(".from").title,
        to: r.querySelector(".to").title,
        amount: r.querySelector(".amount").textContent,
        took: r.querySelector(".took").textContent }))),
      clipped: await page.$$eval("#rows .hash, #rows .from, #rows .to",
        (cells) => cells.filter((c) => c.scrollWidth > c.clientWidth).length),
      verified: await text("verified"), rate: await text("rate"),
      reasons: await text("reasons"), partitions: await text("partitions"),
      fresh: await page.isVisible("#fresh") ? await text("fresh") : null,
      wide: await page.evaluate(() =>
        document.documentElement.scrollWidth -
        document.documentElement.clientWidth),
      errors, requests, answers,
    };
  },
  async picture(name, width, height, colorScheme) {
    await page.mouse.move(1, 1);
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(1200);  /* one drawing of the minute's line */
    await page.screenshot({ path: `${folder}/${name}.png` });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...more] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ said: await steps[name](...more) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ failed: `${name}: ${error}`,
                                 state: await page.textContent("#state-text"),
                                 errors }));
  }
}
await browser.close();
