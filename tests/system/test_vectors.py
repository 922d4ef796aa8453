"""Third-party transactions through the whole path.

Every one is posted to the door as any client would, and what the row and the
result then say is compared with what its file says: hash, sender and, where
the file has them, recipient, amount and nonce. Counts are printed and kept in
build/tests/vectors.txt.
"""

import asyncio
import base64
import json
from collections import Counter, defaultdict

import httpx
import pytest

import vectors
from system import check, read_topic, wait_at_rest
from system.door import Door
from system.stack import ROOT

AT_ONCE = 48   # connections, each with one request under way

# From before Homestead (block 1,150,000), when a high s was still good. Set 1
# has no block heights, and refuses them.
HIGH_S = {"46147/0", "930196/0", "930196/1", "930196/2"}


@pytest.fixture(scope="module")
def mill(stack):
    """Every chain of eip155 by set 1, and a second door: eip155:1 by set 2."""
    stack.fresh("vectors").start_all(
        verifiers=2, CHAINS="eip155:1=1,eip155:*=1")
    stack.strict = stack.producer("producer-set-2", CHAINS="eip155:1=2").ready()
    stack.accepted = defaultdict(list)   # (chain, hash) -> statuses
    yield stack
    seen = check(stack)
    stack.stop_all()
    assert seen.counts["verified"] == len(stack.accepted)


@pytest.fixture(scope="module")
def told():
    """Lines that are printed now, and kept as the count of the run."""
    lines = []

    def tell(line):
        print(line)
        lines.append(line)
    yield tell
    kept = ROOT / "build" / "tests" / "vectors.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("".join(line + "\n" for line in lines))


@pytest.fixture(autouse=True)
def programs_end_with_their_test():
    """Here they live as long as the file."""


# --- sending

def body_of(n, raw):
    """The forms of a body by turns: they are the same transaction."""
    if n % 3 == 0:
        return raw, "application/octet-stream"
    if n % 3 == 1:
        return b"0x" + raw.hex().encode(), "text/plain"
    return (json.dumps({"transaction": "0x" + raw.hex()}).encode(),
            "application/json")


def post_all(url, posts):
    """[(path, raw)] to Answers, in the same order; many are under way."""
    answers = [None] * len(posts)
    waiting = iter(enumerate(posts))

    async def one_connection():
        door = Door(url)
        for n, (path, raw) in waiting:
            answers[n] = await door.post(path, *body_of(n, raw))
        door.close()

    async def all_connections():
        await asyncio.gather(*(one_connection() for _ in range(AT_ONCE)))
    asyncio.run(all_connections())
    return answers


def refusal_of(vector):
    """What the door must say of it under set 1; None: it takes it."""
    if vector.type > 2:
        return "unsupported_type"
    if vector.high_s:
        return "high_s"
    if vector.chain_id is not None and len(str(vector.chain_id)) > 32:
        return "chain_not_served"
    return None


def chain_of(vector):
    return f"eip155:{1 if vector.chain_id is None else vector.chain_id}"


def path_of(vector):
    """A transaction that names no chain is posted to one."""
    if vector.type <= 2 and vector.chain_id is not None:
        return "/v1/transactions"
    return "/v1/eip155:1/transactions"


# --- what came of it

def rows_of(mill, hashes):
    found = defaultdict(list)
    for name, hash, *row in mill.sql(
            "select name, hash, sender, recipient, amount, nonce, payload"
            " from tidemill.transactions join tidemill.chains using (chain)"
            " where hash = any(%s)", hashes):
        found[name, hash].append(row)
    return found


def results_of(mill):
    """{(chain, hash): result} of everything that is announced as verified."""
    found = {}
    for record in read_topic(mill.brokers, mill.topic_results):
        result = json.loads(record.value)
        if result["type"] == "verified":
            found[result["chain"], result["hash"]] = result
    return found


def differences(vector, rows, results):
    """What row and result say otherwise than the file."""
    key = chain_of(vector), vector.hash
    if len(rows[key]) != 1:
        return [f"{vector.name}: {len(rows[key])} rows"]
    sender, *fields, payload = rows[key][0]
    result = results.get((key[0], "0x" + vector.hash.hex()))
    if result is None:
        return [f"{vector.name}: no result"]
    wrong = []
    if payload != vector.raw:
        wrong.append("payload")
    if vector.sender not in (None, sender):
        wrong.append("sender")
    if result["sender"] != "0x" + sender.hex():
        wrong.append("sender of the result")
    if vector.fields is not None and tuple(fields) != vector.fields:
        wrong.append(f"{fields} for {vector.fields}")
    return [f"{vector.name}: {', '.join(wrong)}"] if wrong else []


READERS = {
    "ethers": vectors.ethers,
    "execution-apis chain": vectors.execution_apis,
    "portal blocks": vectors.portal_blocks,
    "pevm mainnet blocks": vectors.pevm_mainnet,
    "pevm rise block": vectors.pevm_rise,
    "ethereum-tests blocks": vectors.chain_tests,
}
COUNTS = {   # verified; refused by reason: of the files as they are kept
    "ethers": (11264, {"unsupported_type": 1664}),
    "execution-apis chain": (242, {"unsupported_type": 7}),
    "portal blocks": (447, {"unsupported_type": 4}),
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("source", READERS)
def test_hash_and_sender_are_those_of_the_file(mill, told, source):
    given = READERS[source]()
    answers = post_all(mill.http_url,
                       [(path_of(v), v.raw) for v in given])
    wrong, refused, counts = [], Counter(), Counter()
    taken = []
    for vector, answer in zip(given, answers):
        wanted = refusal_of(vector)
        said = answer.json()
        if wanted is not None:
            refused[wanted] += 1
            if (answer.status, said.get("code")) != (422, wanted):
                wrong.append(f"{vector.name}: {answer.status} {said}")
            continue
        counts[answer.status] += 1
        if (answer.status not in (200, 202)
                or said["hash"] != "0x" + vector.hash.hex()
                or said["chain"] != chain_of(vector)):
            wrong.append(f"{vector.name}: {answer.status} {said}")
            continue
        taken.append(vector)
        mill.accepted[chain_of(vector), vector.hash].append(answer.status)
    wait_at_rest(mill)
    rows = rows_of(mill, list({v.hash for v in taken}))
    results = results_of(mill)
    for vector in taken:
        wrong += differences(vector, rows, results)
    distinct = len({(chain_of(v), v.hash) for v in taken})
    told(f"{source}: {len(given)} transactions, {len(taken)} accepted and "
         f"verified ({distinct} distinct; {counts[200]} were answered as just "
         f"seen), refused as expected {dict(refused) or 0}")
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:20])
    if source in COUNTS:
        assert (len(taken), dict(refused)) == COUNTS[source]
    if source.startswith("pevm"):
        names = {v.name for v in given if refusal_of(v) == "high_s"}
        told(f"  of before Homestead, high s: {sorted(names) or 'none'}")
        assert names == (HIGH_S if source == "pevm mainnet blocks" else set())
