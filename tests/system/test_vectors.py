"""Third-party transactions through the whole path.

Every one is posted to the door as any client would, and what the row and the
result then say is compared with what its file says: hash, sender and, where
the file has them, recipient, amount and nonce. Counts are printed and kept in
build/tests/vectors.txt.
"""

import asyncio
import json
from collections import Counter, defaultdict

import httpx
import pytest

import vectors
from system import Account, check, read_topic, wait_at_rest
from system.door import Door
from system.stack import ROOT

AT_ONCE = 48   # connections, each with one request under way

# From before Homestead (block 1,150,000), when a high s was still good. Set 1
# has no block heights, and refuses them.
HIGH_S = {"116525/4", "116525/6", "116525/7", "116525/78"}


@pytest.fixture(scope="module")
def mill(stack):
    """Every chain of eip155 by set 1; two more doors with other rule sets."""
    stack.fresh("vectors").start_all(
        verifiers=2, CHAINS="eip155:1=1,eip155:*=1", LEAF_ROWS=3000)
    stack.strict = stack.producer("producer-set-2", CHAINS="eip155:1=2")
    stack.all_types = stack.producer("producer-set-3",
                                     CHAINS="eip155:1=3,eip155:*=3")
    stack.strict.ready()
    stack.all_types.ready()
    # (chain, hash) to (status, partition, offset) of every time it was taken
    stack.accepted = defaultdict(list)
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


def note(mill, vector, answer):
    """The door took it: 202, or 200 when it has just seen it."""
    said = answer.json()
    mill.accepted[chain_of(vector), vector.hash].append(
        (answer.status, said["partition"], said["offset"]))


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
        note(mill, vector, answer)
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


def test_what_set_1_has_no_type_for_is_verified_under_set_3(mill, told):
    """Types 3 and 4 in consensus form, as blocks hold them."""
    given = [v for read in READERS.values() for v in read()
             if v.type in (3, 4)]
    answers = post_all(mill.all_types.url,
                       [("/v1/transactions", v.raw) for v in given])
    wrong = [f"{v.name}: {answer.status} {answer.body}"
             for v, answer in zip(given, answers)
             if answer.status not in (200, 202)]
    assert not wrong, f"{len(wrong)} refused:\n" + "\n".join(wrong[:20])
    wait_at_rest(mill)
    rows = rows_of(mill, list({v.hash for v in given}))
    results = results_of(mill)
    for vector, answer in zip(given, answers):
        note(mill, vector, answer)
        wrong += differences(vector, rows, results)
    types = Counter(v.type for v in given)
    told(f"under set 3: {types[3]} of type 3 and {types[4]} of type 4 verified "
         f"({len({v.hash for v in given})} distinct)")
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:20])


def test_a_door_that_has_not_seen_them_makes_duplicates(mill, told):
    """The other door has its own memory: 202, and a row that says of which."""
    again = [v for v in vectors.pevm_mainnet() if v.type == 2][-200:]
    answers = post_all(mill.strict.url, [(path_of(v), v.raw) for v in again])
    assert Counter(answer.status for answer in answers) == {202: len(again)}
    wait_at_rest(mill)
    rows = {(p, o): first for p, o, *first in mill.sql(
        "select partition, off, of_partition, of_off from tidemill.duplicates")}
    for vector, answer in zip(again, answers):
        first, *_ = mill.accepted[chain_of(vector), vector.hash]
        said = answer.json()
        assert rows[said["partition"], said["offset"]] == list(first[1:])
        note(mill, vector, answer)
    told(f"pevm mainnet blocks through another door: {len(again)} stored "
         f"again, each the duplicate of the first")


def test_a_transaction_of_several_files_has_one_row(mill, told):
    """Two kept blocks are there twice, as RLP and as a node's JSON."""
    distinct = len(mill.accepted)
    answers = [said for times in mill.accepted.values() for said in times]
    records = {said[1:] for said in answers}
    rows = {name: mill.sql(f"select count(*) from tidemill.{name}")[0][0]
            for name in ("transactions", "duplicates", "rejections",
                         "quarantine")}
    told(f"together: {len(answers)} accepted, {distinct} distinct; "
         f"{len(records)} records, {len(answers) - len(records)} answered as "
         f"just seen or under way; rows {rows}")
    assert rows == {"transactions": distinct,
                    "duplicates": len(records) - distinct,
                    "rejections": 0, "quarantine": 0}


def test_a_chain_id_that_fits_no_name_is_refused(mill):
    """32 digits are the longest reference of a chain; a door takes any."""
    signed = [Account("wide").sign(chain_id=n) for n in (10**32 - 1, 10**32)]
    fits, too_long = (vectors.Vector("wide", s.raw, s.hash) for s in signed)
    good, bad = post_all(mill.http_url, [(path_of(v), v.raw)
                                         for v in (fits, too_long)])
    assert good.status == 202
    assert good.json()["chain"] == "eip155:" + "9" * 32
    assert (bad.status, bad.json()["code"]) == (422, refusal_of(too_long))
    note(mill, fits, good)


def test_a_nodes_own_calls_of_send_raw_have_the_nodes_answers(mill, told):
    """The file's request, sent as it is; the answer is the file's."""
    chain = "3503995874084926"  # of these files
    for name, request, wanted in vectors.send_raw_calls():
        door = mill.http_url
        if name == "send-blob-tx":
            refused = httpx.post(f"{door}/rpc/{chain}", json=request).json()
            assert refused["error"]["code"] == -32000
            told(f"send_raw {name}: set 1 says "
                 f"{refused['error']['message']!r}")
            door = mill.all_types.url   # with its blobs: 137,725 bytes
        answer = httpx.post(f"{door}/rpc/{chain}", json=request)
        assert answer.json() == wanted, name
        told(f"send_raw {name}: the same answer")
        hash = vectors.unhex(wanted["result"])
        mill.accepted[f"eip155:{chain}", hash].append((200,))
    wait_at_rest(mill)
    hashes = [hash for name, hash in mill.accepted if chain in name]
    assert len(rows_of(mill, hashes)) == len(hashes)


# --- set 2

def test_every_transaction_test_under_set_2(mill, told):
    """Valid: verified. Invalid: refused at the door, or rejected behind it."""
    given = vectors.transaction_tests()
    answers = post_all(mill.strict.url, [("/v1/eip155:1/transactions", v.raw)
                                         for v in given])
    wait_at_rest(mill)
    rejected = {(row[0], row[1]): row[2] for row in mill.sql(
        "select partition, off, reason from tidemill.rejections")}
    taken = [v for v, answer in zip(given, answers)
             if answer.status in (200, 202)]
    rows = rows_of(mill, [v.hash for v in taken if v.hash is not None])
    results = results_of(mill)
    wrong, not_covered, why = [], [], Counter()
    for vector, answer in zip(given, answers):
        said = answer.json()
        stored = answer.status in (200, 202)
        if vector.invalid:
            reason = (rejected.get((said["partition"], said["offset"]))
                      if stored else said["code"])
            why[("rejected " if stored else "refused ") + str(reason)] += 1
            if reason is None or answer.status not in (200, 202, 422):
                wrong.append(f"{vector.name}: {vector.invalid}: "
                             f"{answer.status} {said}")
        elif vector.chain_id is None:
            not_covered.append(vector.name)
            if (answer.status, said.get("code")) != (422, "chain_required"):
                wrong.append(f"{vector.name}: {answer.status} {said}")
        elif not stored:
            wrong.append(f"{vector.name}: {answer.status} {said}")
        else:
            note(mill, vector, answer)
            wrong += differences(vector, rows, results)
    invalid = sum(1 for v in given if v.invalid)
    told(f"ethereum-tests under set 2: {len(given)} tests, "
         f"{len(given) - invalid - len(not_covered)} verified, {invalid} "
         f"refused or rejected, {len(not_covered)} not covered")
    told("  valid and refused, because set 2 wants a chain id: "
         + " ".join(not_covered))
    for reason, count in sorted(why.items()):
        told(f"  {reason}: {count}")
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong)
    assert (len(given), invalid, len(not_covered)) == (210, 160, 33)
