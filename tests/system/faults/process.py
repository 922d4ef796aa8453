"""Faults inside a process: memory, logs, settings, the library itself."""

import contextlib
import os
import signal
import subprocess

from system import wait_until
from system.stack import ROOT, free_port

from faults.registry import fault, proved


def shim(mill):
    """A library that is loaded before the others and breaks on a signal."""
    path = mill.stack.folder / "break_inside.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", path,
                    ROOT / "tests/system/faults/break_inside.c", "-ldl",
                    "-lpthread"], check=True)
    return path


def restarted_with(mill, program, wait=True, **settings):
    """The same program with more in its environment, until it is mended.

    Returns what mends it earlier.
    """
    before = dict(program.settings)

    def back():
        if program.settings is before and program.alive():
            return
        program.settings = before
        if program.alive():
            program.stop()
        program.start()
    program.stop()
    program.settings = {**before, **settings}
    mill.later(back)
    program.start()
    if wait:
        program.ready()
    return back


@fault("F16", "librdkafka declares the producers of the door and of a verifier"
       " unusable",
       "each makes another; what was under way is unknown; nothing is lost",
       touches="door verifier-1", short=True)
def fatal_error(mill):
    path = shim(mill)
    for program in (mill.door, mill.verifiers[0]):
        restarted_with(mill, program, LD_PRELOAD=path)
    mill.flows()
    for _ in range(3):
        for program in (mill.door, mill.verifiers[0]):
            program.send(signal.SIGUSR2)
        yield 2
        mill.flows(10)
    for program in (mill.door, mill.verifiers[0]):
        replaced = wait_until("it is counted", lambda: program.metric(
            "tidemill_outlet_replaced_total"))
        mill.note(f"{program.name} replaced {replaced:.0f}")
        assert replaced >= 3


@fault("F63", "every 2000th malloc fails, in one program after the other",
       "it ends and is started again, or goes on; nothing is lost",
       touches="door verifier-1 verifier-2 verifier-3 notifier")
def malloc_fails(mill):
    path = shim(mill)
    for program in (mill.verifiers[0], mill.door, mill.notifier,
                    mill.gates[0]):
        back = restarted_with(mill, program, LD_PRELOAD=path)
        mill.flows(20)
        program.send(signal.SIGUSR1)
        for _ in range(10):
            yield 1
            if not program.alive():
                break
        status = program.child.poll()
        mill.note(f"{program.name} "
                  + ("went on" if status is None else f"ended with {status}"))
        back()


@fault("F66", "the log's reader stops: standard error of the door and of a"
       " verifier is a full pipe",
       "they go on, and count the lines that they dropped",
       touches="door verifier-1")
def log_blocked(mill):
    both = (mill.door, mill.verifiers[0])
    for program in both:
        port = free_port()
        reader, program.output = full_pipe()
        restarted_with(mill, program, wait=False, MANAGEMENT_PORT=port)
        # Before it is started again, which is the first to be registered.
        for end in (reader, program.output):
            mill.later(os.close, end)
        mill.later(setattr, program, "output", None)
        program._management = port
        program.ready()
    mill.flows(20)
    yield 8
    mill.flows(20)
    for program in both:
        dropped = program.metric("tidemill_log_dropped_total")
        mill.note(f"{program.name} dropped {dropped:.0f} lines")
        assert dropped > 0


def full_pipe():
    """Nobody reads it, and not one more byte goes in."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4096)
    os.set_blocking(writer, True)
    return reader, writer


proved("F65", "a wrong or unknown setting at a start",
       "refused with its name, value and range; what runs goes on",
       "tests/system/test_programs.py -k setting")
