/*
 * tests/clients/ethers.mjs: ethers 6, unmodified, at the other end.
 *
 *   node ethers.mjs URL BAD...     BAD: raw transactions that are refused
 *
 * From: tests/system/test_clients.py.
 * To:   standard output, as JSON: what was sent, what was answered.
 */
import { JsonRpcProvider, Transaction, Wallet } from "ethers";

const [url, ...bad] = process.argv.slice(2);
const provider = new JsonRpcProvider(url);
const wallet = new Wallet("0x" + "e7".repeat(32));

/* One of each type that a wallet of today makes. */
function unsigned(nonce, type) {
  const prices = type === 2
    ? { maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
    : { gasPrice: 20_000_000_000n };
  return { chainId: 1n, nonce, type, to: "0x" + "22".repeat(20),
    value: 10n ** 15n + BigInt(nonce), gasLimit: 21_000n, ...prices };
}

async function broadcast(nonce, type) {
  const raw = await wallet.signTransaction(unsigned(nonce, type));
  const answer = await provider.broadcastTransaction(raw);
  return { wanted: Transaction.from(raw).hash, answered: answer.hash,
    raw, sender: wallet.address.toLowerCase() };
}

async function words(call) {
  try {
    await call();
    return "no error";
  } catch (e) {
    return `${e.code}: ${e.error?.message ?? e.info?.error?.message ?? e.message}`;
  }
}

const sent = [];
for (const type of [0, 1, 2]) sent.push(await broadcast(sent.length, type));
const again = await provider.broadcastTransaction(sent[2].raw);

console.log(JSON.stringify({
  sent,
  again: again.hash,
  chainId: Number((await provider.getNetwork()).chainId),
  blockNumber: await provider.getBlockNumber(),
  receipt: await provider.getTransactionReceipt(sent[0].answered),
  known: (await provider.getTransaction(sent[0].answered))?.hash ?? null,
  nonce: await words(() => provider.getTransactionCount(wallet.address)),
  refused: await Promise.all(bad.map((raw) =>
    words(() => provider.send("eth_sendRawTransaction", [raw])))),
}));
provider.destroy();
