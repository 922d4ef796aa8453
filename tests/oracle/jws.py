"""Signed payments made, broken, and judged by software of other people.

`cases(seed, count)` makes JWS of both algorithms and serializations, signs them
and breaks most of them: a byte, the spelling of base64url or JSON, a header, a
key, a claim, the signature. `judge(case)` says what is to come of each, from
the page of schemas/rules: Python's json and base64 decide what an encoding is,
`cryptography` whether the signature is right, jwcrypto what the thumbprint is.

`libraries(case)` says what joserfc and jwcrypto think of the same bytes, and
tests/clients/jose_judge.mjs what jose does. What we verify, all verify. What they take and we do not is in LAXER, by our reason
and with the rule that says so.

Prints hex lines when it is run: jws.py SEED COUNT.
"""

import base64
import dataclasses
import hashlib
import json
import random
import re
import sys
import warnings

import jwcrypto.jwk
import jwcrypto.jws
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature, encode_dss_signature)
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws as joserfc_jws
from joserfc.jwk import ECKey, OKPKey

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
L = 2**252 + 27742317777372353535851937790883648493
SIZE, HEADER, MEMBERS, NAME, DEPTH = 65536, 8192, 32, 128, 8
ALGORITHMS = {"ES256K": ("EC", "secp256k1"), "EdDSA": ("OKP", "Ed25519"),
              "Ed25519": ("OKP", "Ed25519")}
PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"]

# What a library may verify although the page refuses it.
LAXER = {
    "too_large": "rules 2 and 5: limits of ours",
    "malformed": "rules 3, 6 and 8: other letters that a decoder drops, members "
                 "that are unknown, unprotected or there twice, depth",
    "non_canonical": "rules 4, 7, 18 and 20: another spelling of the same bytes",
    "critical_header": "rule 9: b64 of true, a crit that a library understands",
    "bad_key": "rules 12, 15 and 16: a name twice, use, another spelling",
    "private_key": "rule 13: the public key is in a private one",
    "field_range": "rule 17: padding behind 86 characters",
    "not_a_payment": "rules 21 to 25: any payload makes a JWS",
}

# What a library may refuse although the page has it verified: RFC 7515, 4 and
# RFC 7517, 4 have names ignored that are not understood.
KNOWN_HEADERS = {"alg", "jwk", "jku", "kid", "x5u", "x5c", "x5t", "x5t#S256",
                 "typ", "cty"}
STRICTER = {
    "jose": lambda header: False,
    "joserfc": lambda header: set(header) - KNOWN_HEADERS,
    "jwcrypto": lambda header: header["jwk"]["kty"] == "OKP" and
    "y" in header["jwk"],
}


@dataclasses.dataclass
class Case:
    raw: bytes
    about: str


@dataclasses.dataclass
class Verdict:
    hash: str
    sender: str
    recipient: str
    amount: str
    nonce: object


class Refused(Exception):
    """With the reason."""


def need(good, reason):
    if not good:
        raise Refused(reason)


# ---- judging ----

class Pairs(list):
    """The members of an object, in order, names may repeat."""


class Number(str):
    """As it is written."""


def no_constant(_):
    raise ValueError("NaN and the infinities are no JSON")


def depth(value):
    inside = []
    if isinstance(value, Pairs):
        inside = [v for _, v in value]
    elif isinstance(value, list):
        inside = value
    else:
        return 0
    return 1 + max([depth(v) for v in inside], default=0)


def texts(value):
    if isinstance(value, Pairs):
        for name, inside in value:
            yield name
            yield from texts(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from texts(inside)
    elif isinstance(value, str):
        yield value


def parse(raw, reason):
    """A JSON text, as RFC 8259 and our limits have it."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=Pairs,
                           parse_int=Number, parse_float=Number,
                           parse_constant=no_constant)
        for text in texts(value):
            text.encode("utf-8")  # a lone surrogate is none
    except (ValueError, RecursionError) as e:
        raise Refused(reason) from e
    need(depth(value) <= DEPTH, reason)
    return value


def members(value, reason):
    need(isinstance(value, Pairs), reason)
    need(len(value) <= MEMBERS, reason)
    names = [name for name, _ in value]
    need(all(len(n.encode()) <= NAME for n in names), reason)
    need(len(set(names)) == len(names), reason)
    return dict(value)


def unbase(text, malformed="malformed", stray="non_canonical"):
    need(re.fullmatch(rb"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1,
         malformed)
    raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    need(base(raw) == text, stray)
    return raw


def base(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def split(raw):
    if raw[:1] != b"{":
        parts = raw.split(b".")
        need(len(parts) == 3, "malformed")
        return parts
    value = parse(raw, "malformed")
    got = members(value, "malformed")
    need(set(got) == {"protected", "payload", "signature"}, "malformed")
    parts = [got["protected"], got["payload"], got["signature"]]
    need(all(isinstance(p, str) and not isinstance(p, Number) for p in parts),
         "malformed")
    # Of names and values in turn, as they are written, the values.
    written = re.findall(rb'"((?:[^"\\]|\\.)*)"', raw)[1::2]
    need(not any(b"\\" in text for text in written), "non_canonical")
    return [p.encode() for p in parts]


def text_of(value):
    return value if isinstance(value, str) and not isinstance(
        value, Number) else None


def read_key(header, raw):
    alg = header["alg"]
    jwk = members(header.get("jwk"), "bad_key")
    need(not set(PRIVATE) & set(jwk), "private_key")
    kty, crv = ALGORITHMS[alg]
    need(text_of(jwk.get("kty")) == kty and text_of(jwk.get("crv")) == crv,
         "bad_key")
    need("alg" not in jwk or text_of(jwk["alg"]) == alg, "bad_key")
    need("use" not in jwk or text_of(jwk["use"]) == "sig", "bad_key")
    ops = jwk.get("key_ops")
    need("key_ops" not in jwk or
         isinstance(ops, list) and not isinstance(ops, Pairs) and
         any(text_of(op) == "verify" for op in ops), "bad_key")
    key = {"kty": kty, "crv": crv}
    for name in "xy"[:1 + (kty == "EC")]:
        text = text_of(jwk.get(name))
        need(text is not None and text.isascii() and len(text) == 43, "bad_key")
        need(len(unbase(text.encode(), "bad_key", "bad_key")) == 32, "bad_key")
        need(b'"%s"' % text.encode() in raw, "bad_key")  # without escapes
        key[name] = text
    return key


def read_header(text):
    need(len(text) <= HEADER, "too_large")
    raw = unbase(text)
    header = members(parse(raw, "malformed"), "malformed")
    need("crit" not in header and "b64" not in header, "critical_header")
    alg = text_of(header.get("alg"))
    need(alg is not None, "malformed")
    need(alg in ALGORITHMS, "unsupported_algorithm")
    return alg, read_key(header, raw)


def read_signature(text, alg):
    need(len(text) == 86, "field_range")
    raw = unbase(text)
    if alg == "ES256K":
        for number in raw[:32], raw[32:]:
            need(0 < int.from_bytes(number, "big") < N, "out_of_range")
    else:
        need(int.from_bytes(raw[32:], "little") < L, "out_of_range")
    return raw


def decimal(value, limit):
    need(value is not None and re.fullmatch("0|[1-9][0-9]*", value,
                                            re.ASCII), "not_a_payment")
    need(len(value) <= 78 and int(value) < limit, "not_a_payment")
    return value


def read_payment(text):
    bad = "not_a_payment"
    claims = members(parse(unbase(text), bad), bad)
    recipient = text_of(claims.get("recipient"))
    need(recipient is not None and 1 <= len(recipient.encode()) <= 96, bad)
    need(not re.search("[\0-\x1f\x7f]", recipient), bad)
    amount = decimal(text_of(claims.get("amount")), 2**256)
    nonce = None
    if "nonce" in claims:
        need(isinstance(claims["nonce"], str), bad)
        nonce = int(decimal(claims["nonce"], 2**64))
    if "currency" in claims:
        currency = text_of(claims["currency"])
        need(currency is not None and
             re.fullmatch("[ -~]{1,32}", currency), bad)
    return recipient, amount, nonce


def verify(key, signature, message):
    if key["kty"] == "EC":
        x, y = (int.from_bytes(unbase(key[n].encode()), "big") for n in "xy")
        try:
            public = ec.EllipticCurvePublicNumbers(
                x, y, ec.SECP256K1()).public_key()
        except ValueError as e:
            raise Refused("bad_key") from e
        der = encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                   int.from_bytes(signature[32:], "big"))
        arguments = der, message, ec.ECDSA(SHA256())
    else:
        public = ed25519.Ed25519PublicKey.from_public_bytes(
            unbase(key["x"].encode()))
        arguments = signature, message
    try:
        public.verify(*arguments)
    except InvalidSignature as e:
        raise Refused("bad_signature") from e


def judge(case):
    """The verdict, or raises Refused."""
    raw = case.raw
    need(raw, "empty")
    need(len(raw) <= SIZE, "too_large")
    header, payload, text = split(raw)
    alg, key = read_header(header)
    signature = read_signature(text, alg)
    recipient, amount, nonce = read_payment(payload)
    message = header + b"." + payload
    thumbprint = jwcrypto_thumbprint(key)
    verify(key, signature, message)
    return Verdict(hashlib.sha256(thumbprint + message).hexdigest(),
                   thumbprint.hex(), recipient.encode().hex(), amount, nonce)


def jwcrypto_thumbprint(key):
    try:
        return unbase(jwcrypto.jwk.JWK(**key).thumbprint().encode())
    except Exception as e:
        raise Refused("bad_key") from e


# ---- the libraries ----

def joserfc_verifies(raw):
    algorithms = list(ALGORITHMS)

    def embedded(obj):
        jwk = obj.headers()["jwk"]
        return (ECKey if jwk["kty"] == "EC" else OKPKey).import_key(jwk)

    registry = joserfc_jws.JWSRegistry(algorithms=algorithms)
    registry.max_header_length = registry.max_payload_length = 1 << 20
    if raw[:1] == b"{":
        joserfc_jws.deserialize_json(json.loads(raw), embedded,
                                     algorithms=algorithms, registry=registry)
    else:
        joserfc_jws.deserialize_compact(raw, embedded, algorithms=algorithms,
                                        registry=registry)


def jwcrypto_verifies(raw):
    token = jwcrypto.jws.JWS()
    token.allowed_algs = list(ALGORITHMS)
    token.deserialize(raw.decode())
    token.verify(jwcrypto.jwk.JWK(**token.jose_header["jwk"]))


def libraries(case):
    """Which of them take it."""
    taken = []
    for name, ask in ("joserfc", joserfc_verifies), ("jwcrypto",
                                                     jwcrypto_verifies):
        try:
            with warnings.catch_warnings(action="ignore"):
                ask(case.raw)
        except Exception:
            continue
        taken.append(name)
    return taken


def disagreement(case, reason, taken_by_jose):
    """What a library says otherwise and no table explains; "" if nothing.
    `reason` is ours, None when we verify. jose asks Node, many at once."""
    taken = libraries(case) + ["jose"] * taken_by_jose
    if reason is not None:
        return "" if not taken or reason in LAXER else f"{taken} take it"
    header = json.loads(unbase(split(case.raw)[0]))
    missing = [name for name, stricter in STRICTER.items()
               if name not in taken and not stricter(header)]
    return f"{missing} refuse it" if missing else ""


# ---- making ----

class Key:
    def __init__(self, alg, seed):
        self.alg = alg
        if alg == "ES256K":
            self.private = ec.derive_private_key(
                int.from_bytes(hashlib.sha256(seed).digest(), "big") % N,
                ec.SECP256K1())
            numbers = self.private.public_key().public_numbers()
            self.public = {"kty": "EC", "crv": "secp256k1",
                           "x": base(numbers.x.to_bytes(32, "big")).decode(),
                           "y": base(numbers.y.to_bytes(32, "big")).decode()}
            self.secret = hashlib.sha256(seed).digest()
        else:
            self.secret = hashlib.sha256(seed).digest()
            self.private = ed25519.Ed25519PrivateKey.from_private_bytes(
                self.secret)
            self.public = {"kty": "OKP", "crv": "Ed25519", "x": base(
                self.private.public_key().public_bytes_raw()).decode()}

    def sign(self, message):
        if self.alg != "ES256K":
            return self.private.sign(message)
        r, s = decode_dss_signature(
            self.private.sign(message, ec.ECDSA(SHA256(),
                                                deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def compact(header, payload, signature):
    return base(header) + b"." + base(payload) + b"." + base(signature)


def flattened(header, payload, signature):
    return b'{"payload":"%s","protected":"%s","signature":"%s"}' % (
        base(payload), base(header), base(signature))


def dump(value, **options):
    return json.dumps(value, separators=(",", ":"), **options).encode()


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keys = [Key(alg, b"%s %d" % (alg.encode(), i))
                     for alg in ALGORITHMS for i in range(5)]

    def payment(self):
        r = self.random
        claims = {"recipient": r.choice(
            ["acct:shop@example.com", "DE89370400440532013000", "a",
             "0x" + r.randbytes(20).hex(), "Zo\u00eb \u2192 \U0001f4b6",
             "x" * 96]),
            "amount": str(r.choice([0, 1, 1500, r.getrandbits(256)]))}
        if r.random() < 0.6:
            nonce = r.choice([0, 7, 2**53, 2**64 - 1])
            claims["nonce"] = nonce if r.random() < 0.5 else str(nonce)
        if r.random() < 0.5:
            claims["currency"] = r.choice(["EUR", "sat", "US Dollar"])
        if r.random() < 0.4:
            claims.update(iss="https://issuer.example", iat=1763720000,
                          exp=1, aud=["a", "b"], data={"a": [1, {"b": None}]})
        return claims

    # Each changes a good header or payment and says so.

    def break_claims(self, claims):
        r = self.random
        name = r.choice(["recipient", "amount", "nonce", "currency"])
        value = r.choice([
            "", "0", "00", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "x" * 97,
            "x" * 33, "\u00e9" * 48, "\u00e9" * 49, "a\nb", "a\x7fb", "\0",
            "\u0661", 0, 1, -1, 1.5, 10**20, 2**64, 2**64 - 1, None, True, [],
            {}, ["1"], str(2**64), str(2**64 - 1), str(2**256 - 1),
            str(2**256), "9" * 78, "9" * 79, "1" + "0" * 77, "EUR", "\u20ac"])
        claims[name] = value
        if r.random() < 0.2:
            del claims[name]
        return f"{name} {value!r:.20}"

    def break_header(self, header, key):
        r = self.random
        jwk = dict(key.public)
        header["jwk"] = jwk
        how = r.choice(["alg", "crit", "b64", "jwk", "private", "kty", "crv",
                        "use", "key_ops", "jwk alg", "x", "point", "free",
                        "many", "y", "other key"])
        if how == "alg":
            header["alg"] = r.choice(
                ["none", "HS256", "RS256", "ES256", "es256k", "EdDSA", "ES256K",
                 "Ed25519", "Ed448", "", 1, None, ["ES256K"]])
        elif how == "crit":
            header["crit"] = r.choice([["b64"], [], ["exp"], "b64", None])
        elif how == "b64":
            header["b64"] = r.choice([True, False, None])
        elif how == "jwk":
            header["jwk"] = r.choice([None, "key", [], {}, [jwk]])
            if r.random() < 0.3:
                del header["jwk"]
        elif how == "private":
            jwk[r.choice(PRIVATE)] = base(key.secret).decode()
        elif how == "kty":
            jwk["kty"] = r.choice(["EC", "OKP", "RSA", "oct", "ec", 1])
        elif how == "crv":
            jwk["crv"] = r.choice(["secp256k1", "P-256K", "P-256", "Ed25519",
                                   "X25519", "Ed448", None])
        elif how == "use":
            jwk["use"] = r.choice(["sig", "enc", None])
        elif how == "key_ops":
            jwk["key_ops"] = r.choice([["verify"], ["sign", "verify"], ["sign"],
                                       [], "verify", None, {"verify": 1}])
        elif how == "jwk alg":
            jwk["alg"] = r.choice(["ES256K", "EdDSA", "Ed25519", "ES256", 1])
        elif how == "x" or how == "y":
            text = jwk.get(how, jwk["x"])
            jwk[how] = r.choice([text[:-1], text + "A", text + "=", text[:-1]
                                 + "_", "A" + text[1:], base(
                                     b"\0" + unbase(text.encode())).decode(),
                                 "", 1, None, text.replace("A", "+")])
        elif how == "point":
            jwk["x"] = base(r.choice([
                bytes(32), b"\xff" * 32, b"\1" + bytes(31), r.randbytes(32),
                bytes(31) + b"\x80", b"\xec" + b"\xff" * 30 + b"\x7f"])
            ).decode()
        elif how == "free":
            header.update(typ="JWT", cty="x", kid="1", jku="https://no.example",
                          x5t="a", nested={"jwk": {"d": 1}, "crit": 1})
        elif how == "many":
            for i in range(r.choice([29, 30, 31, 32])):
                header["m%d" % i] = i
        else:
            header["jwk"] = r.choice(self.keys).public
        return how

    def break_json(self, text):
        """Another spelling of an object, or none."""
        r = self.random
        how = r.randrange(13)
        if how == 12:
            return re.sub(rb'("[xy]":")(.)', lambda m: m[1] + b"\\u%04x"
                          % ord(m[2]), text, count=1)
        if how == 0:
            return b" " + text.replace(b":", b" : ") + b"\n"
        if how == 1:
            return text[:-1] + b"," + text[1:]  # every name twice
        if how == 2:
            return text[:-1] + b',"free":' + b"[" * r.choice([6, 7, 8]) + b"0" \
                .join([b"", b""]) + b"]" * 7 + b"}"
        if how == 3:
            return text.replace(b'"a', b'"\\u0061', 1)
        if how == 4:
            return text[:-1] + b',"free":"\\ud800"}'
        if how == 5:
            return text[:-1] + b',"free":"\xc0\xaf"}'
        if how == 6:
            return text[:-1] + b',"a\\u006cg":"x","\\u0061mount":"2"}'
        if how == 7:
            return text[:-1] + b',"' + b"n" * r.choice([128, 129]) + b'":1}'
        if how == 8:
            return b"[" + text + b"]"
        if how == 9:
            return text[:-1] + b',"free":{"d":1,"d":2}}'
        if how == 10:
            return text[:-1] + b',"free":' + r.choice(
                [b"1.5e9", b"NaN", b"01", b"-0", b"tru", b"'x'"]) + b"}"
        return text + r.choice([b"x", b"{}", b",", b"\0", b" "])

    def break_signature(self, key, signature):
        r = self.random
        first, second = signature[:32], signature[32:]
        how = r.randrange(8)
        if how == 0:
            return r.choice([signature[:-1], signature + b"\0",
                             b"\0" + signature, b""])
        if how == 1:
            return bytes(32) + second
        if how == 2:
            return first + bytes(32)
        if how == 3:
            return r.choice([N, N - 1, N + 1, 2**256 - 1]).to_bytes(
                32, "big") + second
        if how == 4:
            return first + r.choice([N, N - 1, 2**256 - 1]).to_bytes(32, "big")
        if how == 5:
            return r.randbytes(64)
        if key.alg == "ES256K":
            if how == 6:
                return encode_dss_signature(int.from_bytes(first, "big"),
                                            int.from_bytes(second, "big"))
            return first + (N - int.from_bytes(second, "big")).to_bytes(
                32, "big")
        s = int.from_bytes(second, "little") + L * r.choice([1, 2, 15])
        return first + (s % 2**256).to_bytes(32, "little")

    def break_bytes(self, raw):
        r = self.random
        raw = bytearray(raw)
        where = r.randrange(len(raw))
        if r.random() < 0.2:
            where = r.choice([0, len(raw) - 1, raw.find(b"."), 1])
        how = r.randrange(7)
        if how == 0:
            raw[where] ^= 1 << r.randrange(8)
        elif how == 1:
            raw[where] = r.choice(b"=+/.-_ \n{}\"\\A\0\xff")
        elif how == 2:
            raw.insert(where, r.choice(b"=+/.-_ \n{}\"\\A\0\xff"))
        elif how == 3:
            del raw[where]
        elif how == 4:
            raw = raw[:where]
        elif how == 5:
            raw += r.choice([b"=", b"==", b"\n", b" ", b".", b"A", b"\0"])
        else:
            raw = raw.replace(b".", r.choice([b"=.", b"\n.", b"..", b""]))
        return bytes(raw)

    def break_flattened(self, raw):
        r = self.random
        value = json.loads(raw)
        how = r.randrange(10)
        if how == 9:
            return dump(dict(value, payload=1)).replace(
                b'"protected":"e', b'"protected":"\\u0065')
        if how == 0:
            return dump(dict(reversed(value.items())))
        if how == 1:
            return json.dumps(value, indent=1).encode()
        if how == 2:
            return raw[:-1] + b',"header":{"kid":"1"}}'
        if how == 3:
            return raw[:-1] + b',"note":"free"}'
        if how == 4:
            return raw[:-1] + b"," + raw[1:]
        if how == 5:
            return raw.replace(b'"payload"', b'"p\\u0061yload"')
        if how == 6:
            return raw.replace(b'"protected":"e', b'"protected":"\\u0065')
        if how == 7:
            return dump({"payload": value["payload"], "signatures": [
                {"protected": value["protected"],
                 "signature": value["signature"]}]})
        value[r.choice(list(value))] = r.choice(["", 1, None, [], {}])
        return dump(value)

    def case(self):
        r = self.random
        key = r.choice(self.keys)
        header = {"alg": key.alg, "jwk": key.public}
        if r.random() < 0.3:
            header["typ"] = "JWT"
        claims, about = self.payment(), "good"
        # At times two, so that the order of the rules counts.
        where = r.choices(["good", "good", "claims", "claims", "header",
                           "header", "header", "json", "signature", "bytes",
                           "bytes", "flattened", "large"],
                          k=r.choice([1, 1, 1, 2]))
        if "claims" in where:
            about = self.break_claims(claims)
        if "header" in where:
            about = self.break_header(header, key)
        if "large" in where:
            claims["free"] = "x" * r.choice([30000, 48000, 49000, 60000])
        head = dump(header)
        body = dump(claims, ensure_ascii=r.random() < 0.5)
        if "json" in where and r.random() < 0.5:
            head, about = self.break_json(head), "json of the header"
        elif "json" in where:
            body, about = self.break_json(body), "json of the payload"
        signature = key.sign(base(head) + b"." + base(body))
        if "signature" in where:
            signature = self.break_signature(key, signature)
        form = r.choice([compact, flattened])
        raw = form(head, body, signature)
        if "flattened" in where:
            raw = self.break_flattened(flattened(head, body, signature))
        if "bytes" in where:
            raw = self.break_bytes(raw)
        about = f"{about} {' '.join(where)}"
        return Case(raw, f"{key.alg} {form.__name__} {about}")


def cases(seed, count):
    maker = Maker(seed)
    for _ in range(count):
        yield maker.case()


if __name__ == "__main__":
    for c in cases(int(sys.argv[1]), int(sys.argv[2])):
        print(c.raw.hex())
