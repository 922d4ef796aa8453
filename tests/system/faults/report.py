"""RESULTS.md: what a run was, and what became of every fault."""

import platform
import re
import subprocess
from pathlib import Path

import confluent_kafka

from system.stack import ROOT

from faults import registry
from faults.measure import CAPS, MIB


def versions(stack):
    """Of all the parts, as they say themselves."""
    jar = next((ROOT / "build/kafka/libs").glob("kafka-server-[0-9]*.jar"),
               None) or next((ROOT / "build/kafka/libs").glob(
                   "kafka_*-[0-9]*.jar"), None)
    redis = subprocess.run(["redis-cli", "--version"], text=True,
                           capture_output=True).stdout
    return {
        "Kafka": _number(jar.name.rsplit("-", 1)[-1]) if jar else "?",
        "PostgreSQL": stack.sql("show server_version")[0][0].split()[0],
        "Redis": _number(redis.split("v=", 1)[-1]),
        "librdkafka of tidemill": _package("rdkafka"),
        "librdkafka of the checker": confluent_kafka.libversion()[0],
        "libpq": _package("libpq"),
        "Linux": _number(platform.release()),
    }


def _number(text):
    found = re.search(r"\d+(\.\d+)+", text)
    return found.group() if found else "?"


def _package(name):
    return subprocess.run(["pkg-config", "--modversion", name], text=True,
                          capture_output=True).stdout.strip() or "?"


def write(run, path: Path):
    parts = [_head(run), _balance(run), _table(run), _memory(run)]
    path.write_text("\n".join(parts))


def _head(run):
    counts = {r: sum(o.result == r for o in run.everything)
              for r in ("held", "FAILED", "skipped")}
    lines = ["# Results of the fault suite", "",
             "Written by `tests/system/faults/run`; do not edit.", "",
             f"{_seeds(run.seeds)}. {len(run.everything)} faults:"
             f" {counts['held']} held, {counts['FAILED']} failed,"
             f" {counts['skipped']} skipped. Three Kafka nodes (replication 3,"
             " min in-sync 2), load"
             f" {run.rate} transactions a second."
             f"{_not_run(run)}", "",
             "| part | version |", "|---|---|"]
    lines += [f"| {name} | {version} |"
              for name, version in run.versions.items()]
    return "\n".join(lines) + "\n"


def _not_run(run):
    missing = sorted((f for f in registry.FAULTS.values() if f.name not in
                      {o.name for o in run.everything}),
                     key=lambda f: f.number)
    if not missing:
        return ""
    return f" Not run: {', '.join(f.name for f in missing)}."


def _seeds(seeds):
    if len(seeds) == 1:
        return f"Seed {seeds[0]}"
    return (f"{len(seeds)} runs, seeds {', '.join(map(str, seeds))}, each with"
            " what had not held before")


def _balance(run):
    lines = ["## Audits", "",
             "After each phase the outside checker reads log, rows, results,"
             " journal and receipts, and they agree.", ""]
    for audit in run.all_audits:
        phase, c = audit["phase"], audit["counts"]
        if audit["wrong"] is not None:
            lines.append(f"- **{phase}: FAILED** {_cell(audit['wrong'])}"
                         + _since(run, audit.get("failed", ())))
            continue
        lines.append(f"- **{phase}**: " + "; ".join(
            audit["lines"] or [_sums(c)]))
    return "\n".join(lines) + "\n"


def _since(run, failed):
    """Words for an audit after faults that failed, and were run again."""
    held = [o.name for o in run.everything if o.result == "held"]
    again = [name for name in failed if name in held]
    if not again or len(again) < len(failed):
        return ""
    return (f" (in that run {', '.join(again)} had failed before it; run again"
            " since, with an audit of its own)")


def _sums(c):
    answered = {name.split(" ", 1)[1]: count for name, count in c.items()
                if name.startswith("answered ")}
    known = answered.get("202", 0) + answered.get("200", 0)
    sent = sum(answered.values())
    return (f"attempts {sent} = accepted {known} + unknown or refused"
            f" {sent - known}; records {c.get('records', 0)} = verified"
            f" {c.get('verified', 0)} + rejected {c.get('rejected', 0)} +"
            f" duplicates {c.get('duplicate', 0)} + quarantined"
            f" {c.get('quarantined', 0)}; announced"
            f" {c.get('announcements', 0)} = rows + repeats"
            f" {c.get('repeats', 0)}")


def _table(run):
    lines = ["## Faults", "",
             "*Heals*: seconds from its end until all are ready and at most"
             " 0.2 s of load waits. *Answers*: a second while it lasts."
             " *Verdicts*: a second until it is healed. *Accepted*: during it;"
             " each was found in the tables and at every subscriber. *MiB*: the"
             " most of any door, verifier, notifier and gateway. A fault with"
             " tables of its own, or one that a test proves, measures by"
             " itself.", "",
             "| fault | what is done | expected | result | lasted s | heals s |"
             " answers/s | verdicts/s | accepted | MiB | notes |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]
    for o in sorted(run.everything, key=lambda o: registry.number(o.name)):
        lines.append(
            f"| {o.name} | {o.what} | {o.expected} | {_bold(o.result)} |"
            f" {o.seconds:.0f} | {_tenth(o.heal)} | {_tenth(o.answers)} |"
            f" {_tenth(o.verdicts)} | {o.accepted or ''} |"
            f" {_each(o.memory)} |"
            f" {_cell('; '.join(o.words))} |")
    return "\n".join(lines) + "\n"


def _memory(run):
    lines = ["## Memory", "", "The most that any process of a kind held in any"
             " fault, MiB, beside its cap.", "",
             "| program | most | during | cap |", "|---|---|---|---|"]
    for kind, cap in CAPS.items():
        most, name = max(((o.memory.get(kind, 0), o.name)
                          for o in run.everything), default=(0, ""))
        lines.append(f"| {kind} | {most / MIB:.0f} | {name} |"
                     f" {cap // MIB} |")
    return "\n".join(lines) + "\n"


def _bold(result):
    return result if result == "held" else f"**{result}**"


def _tenth(number):
    return "" if number is None else f"{number:.1f}"


def _each(memory):
    """"12/31/8/20"; nothing when no program ran."""
    if not memory:
        return ""
    return "/".join(f"{memory.get(kind, 0) / MIB:.0f}" for kind in CAPS)


def _cell(text):
    return re.sub(r"(?<!\w)(/\w[\w.-]*){2,}", "…", text.replace("|", "/")
                  .replace("\n", " "))[:300]
