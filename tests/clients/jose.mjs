/*
 * tests/clients/jose.mjs: jose as it comes, in front of the door.
 *
 *      node jose.mjs URL NAME
 *
 * Signs payments by each algorithm it knows of ours, compact and flattened,
 * posts them under their media types, and prints one line of JSON for each:
 * what it sent, what the thumbprint of the key is, and what it was told.
 *
 * From: tests/system/test_jws.py.
 * To:   standard output.
 */
import { calculateJwkThumbprint, CompactSign, exportJWK, FlattenedSign,
         generateKeyPair } from "jose";

const [url, name] = process.argv.slice(2);

function payment(nonce) {
  return { recipient: `acct:${name}@example.com`, amount: "1500",
           nonce: String(nonce), currency: "EUR", iat: 1763720000 };
}

async function post(body, type) {
  const answer = await fetch(`${url}/v1/jws/transactions`, {
    method: "POST", body, headers: { "content-type": type } });
  return { status: answer.status, answer: await answer.json() };
}

let nonce = 0;
for (const alg of ["ES256K", "EdDSA", "Ed25519"]) {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = await exportJWK(publicKey);
  for (const form of ["compact", "flattened"]) {
    const text = JSON.stringify(payment(nonce++));
    const bytes = new TextEncoder().encode(text);
    const Sign = form === "compact" ? CompactSign : FlattenedSign;
    const signed = await new Sign(bytes).setProtectedHeader({ alg, jwk })
      .sign(privateKey);
    const raw = form === "compact" ? signed : JSON.stringify(signed);
    const type = form === "compact" ? "application/jose"
      : "application/jose+json";
    const told = await post(raw, type);
    console.log(JSON.stringify({ alg, form, raw, payment: text,
      thumbprint: await calculateJwkThumbprint(jwk), ...told }));
  }
}
