/*
 * tests/clients/viem.mjs: viem as it comes, in front of the door.
 *
 *      node viem.mjs URL NAME
 *
 * Signs with a key derived from NAME, sends, and prints what it was told, as
 * JSON. viem leaves `params` away where there are none, and counts ids from 0.
 *
 * From: tests/system/test_clients.py.
 * To:   standard output.
 */
import { createPublicClient, http, keccak256, parseGwei, parseTransaction,
         serializeTransaction, stringToHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { mainnet } from "viem/chains";

const [url, name] = process.argv.slice(2);
const account = privateKeyToAccount(
  keccak256(stringToHex(`tidemill test ${name}`)));
const order = BigInt("0xfffffffffffffffffffffffffffffffe" +
                     "baaedce6af48a03bbfd25e8cd0364141");
const client = (options) => createPublicClient(
  { chain: mainnet, transport: http(url, { retryCount: 0, ...options }) });
let nonce = 0;

/* The next transaction of this account. */
function fields(more = {}) {
  const type = more.type ?? "eip1559";
  const fees = type === "eip1559"
    ? { maxFeePerGas: parseGwei("20"), maxPriorityFeePerGas: parseGwei("1") }
    : { gasPrice: parseGwei("20") };
  return { type, chainId: 1, nonce: nonce++, to: `0x${"11".repeat(20)}`,
           value: 1n, gas: 21000n, ...fees, ...more };
}

function sign(more) {
  return account.signTransaction(fields(more));
}

/* The other s of the same signature. */
function withHighS(raw) {
  const { r, s, yParity, v, ...rest } = parseTransaction(raw);
  const high = (order - BigInt(s)).toString(16).padStart(64, "0");
  return serializeTransaction(rest, { r, s: `0x${high}`,
                                      yParity: 1 - yParity });
}

/* What a program sees of an error: `details` are the door's words. */
async function refusal(call) {
  try {
    return { result: await call() };
  } catch (error) {
    const said = error.walk?.((e) => e.code !== undefined) ?? error;
    return { name: error.name, said: error.details ?? said.details ?? null,
             saidCode: said.code ?? null, words: error.shortMessage };
  }
}

/* One client: three types at once, and a repeat. */
async function sendBy(options) {
  const by = client(options);
  const raws = await Promise.all(
    ["legacy", "eip2930", "eip1559"].map((type) => sign({ type })));
  const answers = await Promise.all(raws.map((serializedTransaction) =>
    by.sendRawTransaction({ serializedTransaction })));
  const repeat = await by.sendRawTransaction(
    { serializedTransaction: raws[2] });
  return { sent: answers.map((answered, n) => ({
             answered, own: keccak256(raws[n]), type: n })),
           repeat: repeat === answers[2] };
}

const plain = client();
const report = { address: account.address.toLowerCase() };

report.ways = {
  "as it comes": await sendBy(),
  "in batches": await sendBy({ batch: true }),
};

report.state = {
  chain: String(await plain.getChainId()),
  block: Number(await plain.getBlockNumber()),
  call: (await plain.call({ to: `0x${"11".repeat(20)}` })).data ?? null,
};

const send = (raw) => refusal(() =>
  plain.sendRawTransaction({ serializedTransaction: raw }));
const known = report.ways["as it comes"].sent[0].own;

report.refusals = {
  "wrong chain": await send(await sign({ chainId: 5 })),
  "high s": await send(withHighS(await sign())),
  "too little gas": await send(await sign({ gas: 20000n })),
  "no chain id": await send(await sign({ type: "legacy",
                                         chainId: undefined })),
  "cut short": await send((await sign()).slice(0, -2)),
  "one byte more": await send((await sign()) + "00"),
  "garbage": await send("0x1234"),
  "nothing": await send("0x"),
  "nonce": await refusal(() =>
    plain.getTransactionCount({ address: account.address })),
  "receipt": await refusal(() => plain.getTransactionReceipt({ hash: known })),
  "waiting": await refusal(() => plain.waitForTransactionReceipt(
    { hash: known, timeout: 300, pollingInterval: 50, retryCount: 1 })),
};
console.log(JSON.stringify(report));
