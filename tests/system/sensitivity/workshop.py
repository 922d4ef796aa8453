"""Builds broken programs beside the good ones, in a second or two each.

One file is compiled as the build folder compiles it, with one rule less, and
put before the libraries when its program is linked again: what it defines is
not taken from them. The sources and the good programs stay as they are.
"""

import json
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from system.stack import ROOT

PROGRAMS = ["tidemill", "tidemill-producer", "tidemill-verifier",
            "tidemill-notifier", "tidemill-gateway"]


class Workshop:
    """`good` is a build folder of Ninja's; `folder` is for the broken ones."""

    def __init__(self, folder, good):
        self.folder = folder
        self.good = good
        self.worker = ThreadPoolExecutor(1)
        self.orders = {}

    def open(self, mutations):
        """All are ordered; the next one is built while this one is tried."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for m in mutations:
            self.orders[m.name] = self.worker.submit(self._build, m)

    def close(self):
        self.worker.shutdown(cancel_futures=True)

    def programs(self, mutation):
        """The folder of the programs, all good but one; waits."""
        return self.orders[mutation.name].result()

    def _build(self, m):
        folder = self.folder / m.name.replace(" ", "-")
        folder.mkdir(parents=True)
        for program in PROGRAMS:
            if program != m.program:
                (folder / program).symlink_to(self.good / program)
        source, made = folder / "broken.c", folder / "broken.o"
        source.write_text(broken(m))
        self._run([*self._compiling(m.file), "-Wno-error",
                   "-o", str(made), "-c", str(source)])
        self._run(self._linking(m.program, str(made), str(folder / m.program)))
        return folder

    def _compiling(self, file):
        """The command for that file, without its source and its result."""
        known = json.loads((self.good / "compile_commands.json").read_text())
        command = next(shlex.split(one["command"]) for one in known
                       if one["file"] == str(ROOT / file))
        at = command.index("-o")
        return command[:at]

    def _linking(self, program, made, result):
        """The last of the commands that make the program."""
        shown = self._run(["ninja", "-t", "commands", program])
        command = shlex.split(shown.strip().splitlines()[-1])
        command = command[command.index("&&") + 1:]
        command = command[:command.index("&&")]
        at = command.index("-o")
        return command[:at] + ["-o", result, made] + command[at + 2:]

    def _run(self, command):
        done = subprocess.run(["nice", *command], cwd=self.good, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{command}:\n{done.stdout}{done.stderr}")
        return done.stdout


def broken(m):
    """The text of its file with the rule removed."""
    text = (ROOT / m.file).read_text()
    count = text.count(m.old)
    assert count == 1, (
        f"{m.name!r}: {count} times in {m.file}, not once; the code has "
        f"moved, so tests/system/sensitivity/mutations.py has to:\n{m.old}")
    return text.replace(m.old, m.new)
