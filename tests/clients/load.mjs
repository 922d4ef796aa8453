/*
 * tests/clients/load.mjs: can every client be loaded, and does the browser show
 * a page? Prints what answered, as JSON.
 *
 * From: tests/system/test_clients.py.
 * To:   standard output.
 */
import { version as ethers, verifyMessage, Wallet } from "ethers";
import { recoverMessageAddress } from "viem";
import { openBrowser } from "./browser.mjs";

const wallet = new Wallet("0x" + "11".repeat(32));
const signature = await wallet.signMessage("tidemill");

const browser = await openBrowser();
const page = await browser.newPage();
await page.setContent("<h1>tidemill</h1>");
const heading = await page.textContent("h1");
await browser.close();

console.log(JSON.stringify({
  node: process.version,
  ethers,
  byEthers: verifyMessage("tidemill", signature) === wallet.address,
  byViem: await recoverMessageAddress({ message: "tidemill", signature })
    === wallet.address,
  heading,
}));
