/*
 * tests/clients/solana.mjs: @solana/web3.js as it comes, in front of the door.
 *
 *      node solana.mjs URL NAME
 *
 * Signs with keys derived from NAME, sends, and prints what it was told, as
 * JSON. A Connection sends in base64 and asks for a preflight unless it is told
 * not to.
 *
 * From: tests/system/test_solana.py.
 * To:   standard output.
 */
import { createHash } from "node:crypto";

import { AddressLookupTableAccount, Connection, Keypair, PublicKey,
         SystemProgram, Transaction, TransactionMessage,
         VersionedTransaction } from "@solana/web3.js";
import bs58 from "bs58";

const [url, name] = process.argv.slice(2);
const connection = new Connection(url, "confirmed");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
const keypair = (who) => Keypair.fromSeed(sha256(`tidemill ${name} ${who}`));
const payer = keypair("payer"), friend = keypair("friend");
const to = keypair("to").publicKey;
const recentBlockhash = bs58.encode(sha256("a block"));

const transfer = (lamports) => SystemProgram.transfer(
  { fromPubkey: payer.publicKey, toPubkey: to, lamports });

/* A legacy transaction; with another signer when there is one. */
function legacy(lamports, ...others) {
  const made = new Transaction({ feePayer: payer.publicKey, recentBlockhash });
  made.add(transfer(lamports));
  for (const other of others)
    made.add(SystemProgram.transfer({ fromPubkey: other.publicKey,
                                      toPubkey: payer.publicKey,
                                      lamports: 1 }));
  made.sign(payer, ...others);
  return made;
}

/* Version 0, one of its accounts in a lookup table. */
function version0(lamports) {
  const seen = new PublicKey(sha256("seen in a table"));
  const table = new AddressLookupTableAccount({
    key: new PublicKey(sha256("a table")),
    state: { deactivationSlot: 2n ** 64n - 1n, lastExtendedSlot: 0,
             lastExtendedSlotStartIndex: 0, addresses: [seen] } });
  const also = SystemProgram.transfer(
    { fromPubkey: payer.publicKey, toPubkey: seen, lamports: 5 });
  const made = new VersionedTransaction(new TransactionMessage({
    payerKey: payer.publicKey, recentBlockhash,
    instructions: [transfer(lamports), also] }).compileToV0Message([table]));
  made.sign([payer]);
  return made;
}

const sent = [];

/* Sends; what was answered beside what the library computed itself. */
async function send(way, made, bytes, options) {
  const first = made.signature ?? made.signatures[0];
  const message = made.serializeMessage ? made.serializeMessage()
                                        : made.message.serialize();
  const one = { way, own: bs58.encode(first.signature ?? first),
                raw: Buffer.from(bytes).toString("hex"),
                message: sha256(message).toString("hex") };
  one.answered = await connection.sendRawTransaction(bytes, options);
  sent.push(one);
}

/* One call without the library's own checks. */
async function call(method, ...params) {
  const answer = await fetch(url, {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: "x", method, params }) });
  return answer.json();
}

async function said(what) {
  try {
    return { result: await what() };
  } catch (e) {
    return { name: e.name, code: e.code, words: e.message };
  }
}

const skip = { skipPreflight: true };
const plain = legacy(1000000000);
await send("legacy", plain, plain.serialize(), skip);
const both = legacy(7, friend);
await send("two signers", both, both.serialize(), skip);
const newer = version0(42);
await send("version 0", newer, newer.serialize(), skip);
const asked = legacy(8);
await send("with preflight", asked, asked.serialize(),
           { preflightCommitment: "processed", maxRetries: 3,
             minContextSlot: 1 });

const text58 = bs58.encode(legacy(9).serialize());
const base58 = await call("sendTransaction", text58);
const repeat = await connection.sendRawTransaction(plain.serialize(), skip);

/* A signature is judged behind the log, whatever it is. */
const forged = legacy(10);
const bytes = Buffer.from(forged.serialize());
bytes[20] ^= 1;
const forgery = await said(() => connection.sendRawTransaction(bytes, skip));

const refusals = {
  "nothing": await said(() => connection.sendRawTransaction(
    Buffer.alloc(0), skip)),
  "cut": await said(() => connection.sendRawTransaction(
    plain.serialize().subarray(0, 100), skip)),
  "a byte more": await said(() => connection.sendRawTransaction(
    Buffer.concat([plain.serialize(), Buffer.alloc(1)]), skip)),
  "blockhash": await said(() => connection.getLatestBlockhash()),
  "balance": await said(() => connection.getBalance(payer.publicKey)),
  "simulation": await said(() => connection.simulateTransaction(newer)),
};

console.log(JSON.stringify({
  payer: payer.publicKey.toBase58(), to: to.toBase58(),
  payerHex: Buffer.from(payer.publicKey.toBytes()).toString("hex"),
  toHex: Buffer.from(to.toBytes()).toString("hex"),
  sent, base58, base58Own: bs58.encode(bs58.decode(text58).subarray(1, 65)),
  repeat, forgery,
  forgedMessage: sha256(forged.serializeMessage()).toString("hex"),
  forgedRaw: bytes.toString("hex"),
  version: await connection.getVersion(), refusals,
}, null, 1));
process.exit(0);
