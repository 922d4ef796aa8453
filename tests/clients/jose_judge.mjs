/*
 * tests/clients/jose_judge.mjs: what jose thinks of JWS that may be broken.
 *
 *      node jose_judge.mjs FILE
 *
 * FILE has one a line, as hex. Prints "yes" or "no" for each, in order: does it
 * verify with the key in its own header?
 *
 * From: tests/system/test_oracle.py.
 * To:   standard output.
 */
import { readFileSync } from "node:fs";
import { compactVerify, EmbeddedJWK, flattenedVerify } from "jose";

const options = { algorithms: ["ES256K", "EdDSA", "Ed25519"] };

async function verifies(raw) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
  if (text.startsWith("{")) {
    await flattenedVerify(JSON.parse(text), EmbeddedJWK, options);
  } else {
    await compactVerify(text, EmbeddedJWK, options);
  }
}

for (const line of readFileSync(process.argv[2], "ascii").split("\n")) {
  if (line === "") continue;
  const raw = Buffer.from(line.replace(/^0x/, ""), "hex");
  console.log(await verifies(raw).then(() => "yes", () => "no"));
}
