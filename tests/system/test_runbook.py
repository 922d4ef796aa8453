"""deploy/README.md has an entry for whatever can wake somebody up."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "deploy/README.md").read_text()
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
FOLDERS = ["schemas", "consumer", "producer", "verifier", "notifier", "deploy"]
SOURCES = {path: path.read_text() for folder in FOLDERS
           for path in sorted((ROOT / folder).rglob("*.c"))}
HEADINGS = {line.lstrip("# ") for line in PAGE.splitlines()
            if line.startswith("#")}


def words_in_backticks():
    return {word for span in re.findall(r"`([^`]+)`", PAGE)
            for word in re.split(r"[\s,]+", span)}


def alerts():
    """{name: its text}."""
    parts = re.split(r"- alert: (\w+)", ALERTS.read_text())[1:]
    return dict(zip(parts[::2], parts[1::2]))


def test_every_event_of_level_error_has_an_entry():
    events = {event for text in SOURCES.values()
              for event in re.findall(r'log_error\(\s*"([\w.]+)"', text)}
    assert len(events) > 25
    assert not events - words_in_backticks()


def test_every_reason_to_stop_has_an_entry():
    text = SOURCES[ROOT / "verifier/lane.c"]
    names = re.search(r"lane_stop_name.*?\{(.*?)\};", text, re.S)[1]
    stops = set(re.findall(r'"(\w+)"', names)) - {"runs"}
    assert len(stops) > 5
    assert not {f"Stopped: {name}" for name in stops} - HEADINGS


def test_every_alarm_has_an_entry():
    found = alerts()
    assert len(found) > 20
    for name, text in found.items():
        assert f"`{name}`" in PAGE, name
        runbook = re.search(r'runbook: "?([^"\n]+)', text)[1]
        assert runbook in HEADINGS, (name, runbook)


def test_alarms_ask_for_metrics_that_there_are():
    known = {metric for text in SOURCES.values()
             for metric in re.findall(r'"((?:tidemill|process)_\w+)"', text)}
    asked = {re.sub("_bucket$", "", metric) for text in alerts().values()
             for metric in re.findall(r"\b(?:tidemill|process)_\w+", text)}
    assert asked and not asked - known
    mentioned = set(re.findall(r"`((?:tidemill|process)_[a-z_]+)`", PAGE))
    assert not mentioned - known


def test_prometheus_reads_the_alarms():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: alerts.yml is not proven")
    done = subprocess.run([promtool, "check", "rules", ALERTS],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_run_book_names_commands_and_settings_that_there_are():
    main = SOURCES[ROOT / "deploy/ctl/main.c"]
    commands = {" ".join(name.split("_"))
                for name in re.findall(r"&command_(\w+)", main)}
    for span in re.findall(r"`tidemill ([^`]+)`", PAGE):
        words = span.split()
        assert {words[0], " ".join(words[:2])} & commands, span
    settings = (ROOT / "deploy/settings.md").read_text()
    for name in re.findall(r"\bTIDEMILL_\w+", PAGE):
        assert f"`{name}`" in settings or f" {name} " in settings, name
