/*
 * tests/clients/ethers.mjs: ethers as it comes, in front of the door.
 *
 *      node ethers.mjs URL NAME
 *
 * Signs with keys derived from NAME, sends, and prints what it was told, as
 * JSON. ethers puts eth_chainId, eth_blockNumber and eth_sendRawTransaction
 * into one batch, and compares the hash it is answered with its own.
 *
 * From: tests/system/test_clients.py.
 * To:   standard output.
 */
import { id, JsonRpcProvider, Network, Transaction, Wallet }
  from "ethers";

const [url, name] = process.argv.slice(2);
const wallet = new Wallet(id(`tidemill test ${name}`));
const order = BigInt("0xfffffffffffffffffffffffffffffffe" +
                     "baaedce6af48a03bbfd25e8cd0364141");
let nonce = 0;

/* The next transaction of this wallet. */
function fields(more = {}) {
  const fees = (more.type ?? 2) === 2
    ? { maxFeePerGas: 20n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n }
    : { gasPrice: 20n * 10n ** 9n };
  return { type: 2, chainId: 1, nonce: nonce++, to: "0x" + "11".repeat(20),
           value: 1, gasLimit: 21000, ...fees, ...more };
}

function sign(more) {
  return wallet.signTransaction(fields(more));
}

/* The other s of the same signature, which ethers itself refuses to write. */
function withHighS(raw) {
  const { r, s } = Transaction.from(raw).signature;
  const high = (order - BigInt(s)).toString(16).padStart(64, "0");
  const flipped = raw.replace(s.slice(2), high);
  const parity = flipped.length - 2 * (1 + 32 + 1 + 32 + 1);
  const was = flipped.slice(parity, parity + 2);
  if (was !== "80" && was !== "01" || !flipped.includes(r.slice(2)))
    throw new Error("the tail of the transaction has another form");
  return flipped.slice(0, parity) + (was === "80" ? "01" : "80")
    + flipped.slice(parity + 2);
}

/* What a program sees of an error: ethers' own code, and the door's words. */
async function refusal(call) {
  try {
    return { result: await call() };
  } catch (error) {
    const said = error.error ?? error.info?.error ?? {};
    return { code: error.code, said: said.message ?? null,
             saidCode: said.code ?? null, words: error.message };
  }
}

/* One provider: three types, a repeat, and how large its batches were. */
async function sendBy(options, network) {
  const provider = new JsonRpcProvider(url, network, options);
  let calls = 0;
  provider.on("debug", ({ action, payload }) => {
    if (action === "sendRpcPayload")
      calls = Math.max(calls, Array.isArray(payload) ? payload.length : 1);
  });
  const raws = await Promise.all([0, 1, 2, 2, 2].map((type) => sign({ type })));
  const answers = await Promise.all(
    raws.map((raw) => provider.broadcastTransaction(raw)));
  const repeat = await provider.broadcastTransaction(raws[0]);
  provider.destroy();
  return { sent: answers.map((a, n) => ({
             answered: a.hash, own: Transaction.from(raws[n]).hash,
             type: Transaction.from(raws[n]).type })),
           repeat: repeat.hash === answers[0].hash, calls };
}

const provider = new JsonRpcProvider(url);
const mainnet = Network.from(1);
const report = { address: wallet.address.toLowerCase() };

report.ways = {
  "as it comes": await sendBy(),
  "without batches": await sendBy({ batchMaxCount: 1 }),
  "with a static network": await sendBy({ staticNetwork: mainnet }, mainnet),
  "polling": await sendBy({ polling: true }),
  "not polling, no cache": await sendBy({ polling: false, cacheTimeout: -1 }),
};

report.state = {
  chain: String((await provider.getNetwork()).chainId),
  block: await provider.getBlockNumber(),
  receipt: await provider.getTransactionReceipt("0x" + "22".repeat(32)),
  transaction: await provider.getTransaction("0x" + "22".repeat(32)),
  latest: await provider.getBlock("latest"),
  call: await provider.call({ to: "0x" + "11".repeat(20) }),
};

const legacy = Transaction.from({ ...fields({ type: 0 }), chainId: 0 });
legacy.signature = wallet.signingKey.sign(legacy.unsignedHash);
const broadcast = (raw) => refusal(() => provider.broadcastTransaction(raw));

report.refusals = {
  "wrong chain": await broadcast(await sign({ chainId: 5 })),
  "high s": await broadcast(withHighS(await sign())),
  "too little gas": await broadcast(await sign({ gasLimit: 20000 })),
  "no chain id": await broadcast(legacy.serialized),
  "cut short": await broadcast((await sign()).slice(0, -2)),
  "one byte more": await broadcast((await sign()) + "00"),
  "garbage": await broadcast("0x1234"),
  "nothing": await broadcast("0x"),
  "nonce": await refusal(() => provider.getTransactionCount(wallet.address)),
  "unknown method": await refusal(() => provider.send("eth_foo", [])),
  /* A wallet asks for a nonce before it signs: it must not get a false one. */
  "wallet": await refusal(() => wallet.connect(provider).sendTransaction(
    { to: "0x" + "11".repeat(20), value: 1 })),
};
provider.destroy();
console.log(JSON.stringify(report));
