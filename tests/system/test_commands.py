"""Every command of `tidemill`: its help, its flags, its exit codes."""

import base64
import json
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[2] / "build/dev"


def tidemill(*arguments):
    return subprocess.run([BUILD / "tidemill", *arguments], text=True,
                          capture_output=True, timeout=10, env={})


def commands():
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S",
                      tidemill("--help").stdout, re.M)


COMMANDS = commands()
ACTING = {"partitions", "log adopt", "log pass", "quarantine retry", "replay"}


def test_there_are_commands():
    assert len(COMMANDS) > 20 and len(set(COMMANDS)) == len(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_tired_person_finds_its_way(name):
    """Its help says what it does, how it is called, and each flag in words."""
    done = tidemill(*name.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout == tidemill("help", *name.split()).stdout
    text = done.stdout
    assert re.match(rf"tidemill {name}: \S.{{10,}}", text)
    assert f"\nUsage: tidemill {name}" in text
    flags = re.findall(r"^  --(\S+?)(?:=\S+)?  +(\S.*)$", text, re.M)
    assert all(len(words) > 5 for _, words in flags)
    assert "json" in dict(flags), "it prints something: --json"
    assert ("execute" in dict(flags)) == (name in ACTING)
    assert max(map(len, text.splitlines())) < 200


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_flag_ends_with_64_and_the_nearest(name):
    done = tidemill(*name.split(), "--jsno")
    assert done.returncode == 64
    assert "--jsno is not an option" in done.stderr and "--json" in done.stderr
    assert done.stdout == ""
    assert tidemill(*name.split(), "--json=1").returncode == 64


@pytest.mark.parametrize("name", COMMANDS)
def test_a_setting_out_of_range_ends_with_78(name):
    done = tidemill(*name.split(), "--log-level=loud")
    assert done.returncode == 78 and "debug|info|warn|error" in done.stderr


@pytest.mark.parametrize("word", ["tx", "log", "quarantine"])
def test_a_first_word_lists_what_begins_with_it(word):
    done = tidemill(word)
    assert done.returncode == 64
    found = re.findall(r"^  (\S+ \S+) ", done.stdout, re.M)
    assert found == [name for name in COMMANDS if name.startswith(word + " ")]
    assert tidemill(word, "--help").returncode == 0
    assert tidemill("help", word).stdout == done.stdout


NOBODY = "--database-url=postgresql://127.0.0.1:9/x"
OPERANDS = {"partitions": ["4"], "log pass": ["1-0-0"],
            "quarantine show": ["1-0-0"], "quarantine retry": ["1-0-0"]}


@pytest.mark.parametrize("chain", ["eip155:1", "solana:x", "jws",
                                   "bip122:000000000019d6689c085ae165831e93"])
def test_every_chain_is_verified_without_naming_a_rule_set(chain):
    done = tidemill("tx", "verify", f"--chain={chain}", "0x00")
    assert done.returncode == 1 and done.stdout.startswith("rejected ")


def test_a_file_is_one_jws_that_is_printed_to_be_read(tmp_path):
    example = BUILD.parents[1] / "schemas/examples/jws-ed25519-flattened.hex"
    raw = bytes.fromhex(example.read_text().strip()[2:])
    file = tmp_path / "payment.json"
    file.write_text("\n" + json.dumps(json.loads(raw), indent=2) + "\n")
    done = tidemill("tx", "verify", "--chain=jws", file)
    assert done.returncode == 0 and done.stdout.startswith("verified ")
    file.write_text(json.dumps(json.loads(raw), indent=2)[:-1])
    done = tidemill("tx", "verify", "--chain=jws", file)
    assert done.returncode == 65 and f"{file}:1: " in done.stderr


def test_a_recipient_cannot_control_the_terminal(tmp_path):
    def part(value):
        raw = json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    header = {"alg": "EdDSA",
              "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}
    payment = {"recipient": "\u00e9\u009b31m\u202eb\u2067\u20ac\U0001f4b6",
               "amount": "1"}
    file = tmp_path / "payment"
    file.write_text(f"{part(header)}.{part(payment)}.{'A' * 86}\n")
    said = tidemill("tx", "decode", file).stdout
    assert "recipient      \u00e9?31m?b?\u20ac\U0001f4b6\n" in said


def test_a_psbt_is_read_as_wallets_print_it(tmp_path):
    example = BUILD.parents[1] / "schemas/examples/bitcoin-psbt.hex"
    raw = bytes.fromhex(example.read_text().strip()[2:])
    file = tmp_path / "signed.psbt"
    file.write_bytes(base64.b64encode(raw) + b"\n")
    verify = ("tx", "verify",
              "--chain=bip122:000000000019d6689c085ae165831e93")
    done = tidemill(*verify, file)
    assert done.returncode == 0 and done.stdout.startswith("verified ")
    assert done.stdout == tidemill(*verify, "0x" + raw.hex()).stdout
    file.write_bytes(base64.b64encode(raw)[:-1])
    done = tidemill(*verify, file)
    assert done.returncode == 65 and "not base64" in done.stderr


def test_a_server_that_is_away_ends_with_69():
    """All at once, because each gives it ten seconds."""
    asking = [name for name in COMMANDS if name not in {"doctor", "check"}
              and "--database-url" in tidemill(*name.split(), "--help").stdout]
    assert len(asking) > 8
    running = {name: subprocess.Popen(
        [BUILD / "tidemill", *name.split(), *OPERANDS.get(name, []), NOBODY],
        env={}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in asking}
    for name, child in running.items():
        out, words = child.communicate(timeout=60)
        assert (child.returncode, out) == (69, ""), (name, words)
        assert "tidemill: postgresql: " in words


def test_what_acts_says_its_steps_as_json(world):
    def steps(*arguments):
        done = world.tidemill(*arguments, "--json", check=True)
        return {line["step"]: line
                for line in map(json.loads, done.stdout.splitlines())}
    assert steps("init")["positions"]["count"] == 0
    assert steps("migrate")["version"]["count"] >= 1
    assert steps("partitions", 5)["positions"]["count"] == 1
    assert "preview" in steps("partitions", 5)
    assert steps("partitions", 5, "--execute")["done"]["count"] == 5
    assert "--execute" in steps("log", "adopt", "--results")["preview"]["words"]
    assert steps("log", "adopt", "--results", "--execute")["adopted"]["count"]


def test_tables_of_another_release_are_said_at_once(world):
    """Not waited for: what is missing is a migration."""
    version, = world.sql("select max(version) from tidemill.schema_version")[0]
    world.sql("delete from tidemill.schema_version where version = %s", version)
    for arguments in (["replay"], ["log", "pass", "1-0-0"]):
        done = world.tidemill(*arguments)
        assert done.returncode == 78
        assert "run `tidemill migrate`" in done.stderr
    world.sql("insert into tidemill.schema_version values"
              " (%s, 99, 'x', 0)", version)
    done = world.tidemill("replay")
    assert done.returncode == 78 and "newer than this release" in done.stderr
