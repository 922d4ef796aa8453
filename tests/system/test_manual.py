"""Manual pages and completions are made of what the programs do."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/dev"
PAGES = ["tidemill", "tidemill-producer", "tidemill-verifier",
         "tidemill-notifier", "tidemill-gateway"]


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    out = tmp_path_factory.mktemp("man")
    subprocess.run([ROOT / "deploy/man", BUILD, out], check=True)
    return out


def read(page):
    """As a person does, or the page itself where nothing shows pages."""
    done = subprocess.run(["groff", "-K", "utf8", "-man", "-ww", "-Tutf8",
                           "-P-cbou", page], capture_output=True, text=True,
                          check=True)
    assert done.stderr == "", done.stderr
    return done.stdout.replace("\u2010", "-").replace("\u2212", "-")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_shown_without_a_warning(manual, name):
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed: the manual is not proven")
    text = read(manual / f"{name}.1")
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT",
                    "EXIT STATUS"]:
        assert f"\n{section}\n" in text
    assert re.search(rf"\n +{name}\s+-\s+\w", text)
    assert "TIDEMILL_KAFKA_BROKERS" in text


def test_the_page_of_the_command_has_every_command_and_flag(manual):
    page = (manual / "tidemill.1").read_text().replace("\\-", "-")
    listed = subprocess.run([BUILD / "tidemill", "--help"],
                            capture_output=True, text=True).stdout
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", listed, re.M)
    assert re.findall(r"^\.SS tidemill (.+?) (?=[\[<A-Z]|$)", page,
                      re.M) == names
    for name in names:
        help = subprocess.run([BUILD / "tidemill", *name.split(), "--help"],
                              capture_output=True, text=True).stdout
        part = page[page.index(f".SS tidemill {name} "):]
        part = part[:part.index("\n.S", 1)]
        for flag in re.findall(r"^  --([a-z-]+)", help.split("Settings,")[0],
                               re.M):
            assert f".B --{flag}" in part, (name, flag)


def complete(manual, *words):
    script = (f"source {manual}/tidemill.bash; COMP_WORDS=(tidemill \"$@\");"
              " COMP_CWORD=$#; _tidemill; printf '%s\\n' \"${COMPREPLY[@]}\"")
    done = subprocess.run(["bash", "-c", script, "bash", *words],
                          capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_and_flags(manual):
    assert complete(manual, "re") == ["reconcile", "replay"]
    assert complete(manual, "tx", "") == ["send", "get", "watch", "demo",
                                          "decode", "verify"]
    assert complete(manual, "log", "") == ["show", "adopt", "pass"]
    assert complete(manual, "replay", "--ra") == ["--rate="]
    assert complete(manual, "log", "adopt", "--re") == ["--results"]
    assert complete(manual, "lag", "--kafka") == ["--kafka-brokers="]
    assert complete(manual, "nonsense", "--") == []
    assert complete(manual, "log").count("log") == 1


def test_completions_are_scripts(manual):
    subprocess.run(["bash", "-n", manual / "tidemill.bash"], check=True)
    if shutil.which("zsh"):
        subprocess.run(["zsh", "-n", manual / "tidemill.zsh"], check=True)
    assert "bashcompinit" in (manual / "tidemill.zsh").read_text()


def test_an_installation_brings_them(tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path],
                   check=True, capture_output=True)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert {f"bin/{name}" for name in PAGES} <= found
    assert {f"share/man/man1/{name}.1" for name in PAGES} <= found
    assert "share/bash-completion/completions/tidemill" in found
