/*
 * tests/clients/viem.mjs: viem, unmodified, at the other end; once with each
 * call alone and once with calls in batches.
 *
 *   node viem.mjs URL BAD...     BAD: raw transactions that are refused
 *
 * From: tests/system/test_clients.py.
 * To:   standard output, as JSON: what was sent, what was answered.
 */
import { createPublicClient, createWalletClient, http, keccak256 } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { mainnet } from "viem/chains";

const [url, ...bad] = process.argv.slice(2);
const account = privateKeyToAccount("0x" + "71".repeat(32));

/* One of each type that a wallet of today makes. */
function unsigned(nonce, type) {
  const prices = type === "eip1559"
    ? { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
    : { gasPrice: 20_000_000_000n };
  return { chainId: 1, nonce, type, to: "0x" + "33".repeat(20),
    value: 10n ** 15n + BigInt(nonce), gas: 21_000n, ...prices };
}

async function words(call) {
  try {
    await call();
    return "no error";
  } catch (e) {
    return `${e.name}: ${e.details ?? e.shortMessage}`;
  }
}

const sent = [];
async function use(transport) {
  const wallet = createWalletClient({ account, chain: mainnet, transport });
  const reader = createPublicClient({ chain: mainnet, transport });
  for (const type of ["legacy", "eip2930", "eip1559"]) {
    const raw = await account.signTransaction(unsigned(sent.length, type));
    const answered = await wallet.sendRawTransaction(
      { serializedTransaction: raw });
    sent.push({ wanted: keccak256(raw), answered, raw,
      sender: account.address.toLowerCase() });
  }
  return {
    chainId: await reader.getChainId(),
    blockNumber: Number(await reader.getBlockNumber()),
    receipt: await words(() => reader.getTransactionReceipt(
      { hash: sent[0].answered })),
    nonce: await words(() => reader.getTransactionCount(
      { address: account.address })),
    refused: await Promise.all(bad.map((raw) => words(() =>
      wallet.sendRawTransaction({ serializedTransaction: raw })))),
  };
}

const options = { retryCount: 0 };
const alone = await use(http(url, options));
const batched = await use(http(url, { ...options, batch: true }));
console.log(JSON.stringify({ sent, alone, batched }));
