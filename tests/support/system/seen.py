"""What the outside checker has seen, and how it says whether it adds up.

The invariants of a run under faults, in the words of this system's tables:

    I1   an accepted attempt is in the log: its bytes, where the answer said
    I2   nothing else is: what was refused or turned away left no record
    I3   every record has its one row, every row its record
    I4   one row of a transaction, whatever it was sent how often
    I5   the ledger counts the rows that lie in its ranges
    I6   each verdict is that of other software (verdicts.py: which chains)
    I7   rows hold the bytes of their record, and the hash of these bytes
    I8   not applicable: there are no intents; one id has one row (I4)
    I9   a row that was seen once stays as it was
    I10  ranges of the ledger follow each other without a gap or an overlap
         (there are no claim epochs: the ledger is the claim)
    I11  no position falls, nor what is announced
    I12  every row is announced: first occurrences in order of their offsets,
         what they say is what the row says, repeats are byte for byte the same
    I13  not applicable: no dead-letter topic; quarantine is a table (I3, I12)
    I14  a subscriber that resumes has every event, in order, none twice on one
         connection, and nothing that is not in the topic
    I15  who asks for an accepted transaction is told of it as soon as its row
         is there, and never anything else after that
    I16  the door's counters are what its clients counted
    I17  no process ever had more memory than its cap
    I18  at rest in time, without an operator
    I19  no outage became a verdict: quarantine holds bad data only
    I20  not applicable: fairness among clients is measured, not checked
    I21  nobody crashed, no sanitizer spoke, no zombie, few descriptors
    I22  not applicable: there is no spool

Each is looked at as far as there are witnesses: without a journal nobody knows
what was promised, without subscribers nobody knows what was shown.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

WORDS = {
    "I1": "accepted is in the log",
    "I2": "refused is not in the log",
    "I3": "a row of every record",
    "I4": "one row of a transaction",
    "I5": "the ledger counts its rows",
    "I6": "verdicts of other software",
    "I7": "bytes and hashes",
    "I9": "rows stay as they were",
    "I10": "ranges follow each other",
    "I11": "positions never fall",
    "I12": "results are the rows, in order",
    "I14": "subscribers miss nothing",
    "I15": "who asks is told",
    "I16": "the door counts right",
    "I17": "memory under its cap",
    "I18": "at rest in time",
    "I19": "no outage became a verdict",
    "I21": "no crash, no zombie",
    "balance": "every number adds up",
    "reconcile": "our own command agrees",
}


class Differs(AssertionError):
    """`broken` is the set of invariants that do not hold."""

    def __init__(self, seen):
        self.seen = seen
        self.broken = set(seen.wrong)
        count = sum(len(words) for words in seen.wrong.values())
        lines = [f"{name}: {words}" for name in WORDS
                 for words in seen.wrong.get(name, ())[:10]]
        super().__init__(f"{count} differences, in "
                         f"{', '.join(sorted(self.broken))}:\n"
                         + "\n".join(lines) + "\n" + seen.report())


@dataclass
class Seen:
    """What the witnesses hold, and what differs between them."""

    log: int = 1
    chain: str = ""                               # of records without header
    rules: int = 0                                # the same
    records: dict = field(default_factory=dict)   # (partition, offset)
    starts: dict = field(default_factory=dict)    # partition -> offset
    rows: dict = field(default_factory=dict)      # (log, partition, offset)
    results: dict = field(default_factory=dict)   # id -> JSON object
    places: dict = field(default_factory=dict)    # id -> its first offset
    announcements: list = field(default_factory=list)
    ranges: list = field(default_factory=list)
    attempts: list = field(default_factory=list)  # of all journals
    counts: Counter = field(default_factory=Counter)
    looked: Counter = field(default_factory=Counter)  # how many of each
    wrong: dict = field(default_factory=lambda: defaultdict(list))
    balance: list = field(default_factory=list)   # lines

    def unless(self, name, true, words):
        """`name` does not hold unless this is true."""
        self.looked[name] += 1
        if not true:
            self.wrong[name].append(words)

    def add_up(self, total, number, **parts):
        """One line of the balance: the total and what it is made of."""
        sum_ = sum(parts.values())
        line = f"{total} {number} = " + " + ".join(
            f"{name.replace('_', ' ')} {part}" for name, part in parts.items())
        self.unless("balance", number == sum_, f"{line}, which is {sum_}")
        self.balance.append(line)

    def report(self):
        """The balance and a line for each invariant."""
        lines = list(self.balance)
        for name, words in WORDS.items():
            wrong = self.wrong.get(name)
            if wrong:
                said = f"DOES NOT HOLD: {len(wrong)}, first: {wrong[0][:200]}"
            elif self.looked[name]:
                said = f"holds ({self.looked[name]} looked at)"
            else:
                said = "not looked at: no witness of it"
            lines.append(f"{name:9} {words:30} {said}")
        return "\n".join(lines)
