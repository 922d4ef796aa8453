"""The fault suite: one world, every named fault, and a check after each.

    tests/system/faults/run --only F6,F19 --seed 7
    tests/system/faults/run --list

To add a fault, write a function in a module of this folder and name the module
in MODULES below. It gets the `Mill` (mill.py): the servers, the programs, a
load and subscribers that run all the time. What comes before the `yield` breaks
something, the number that is yielded is how many seconds it stays so, and what
comes after it mends it. Assertions stand where they belong.

    @fault("F19", "kill -9 one verifier in the middle of its batches",
           "the others take over within the session and lose nothing",
           touches="verifier-1")
    def one_verifier_killed(mill):
        mill.verifiers[0].kill()
        yield 8
        mill.verifiers[0].start()

The suite then measures the time until all are ready and nothing waits, stops
the load for a moment, and asks whether every transaction that was accepted
during the fault has its row and was shown to every subscriber.

    seconds = yield 8            the hold; in the random phase it is dice's
    mill.answers_fast(503, ...)  what the door says now
    mill.note("took 4.1 s")      words for the table of results
    mill.later(undo)             is undone even when an assertion fails

`touches` are the names of what it takes away: in the random phase faults that
touch different things overlap, if they say `dice=True`. `own=True` gives a
fault topics and tables of its own: call mill.world(name) yourself. `needs`
names what the machine must have ("net": a network namespace with nftables,
"standby"), else the fault is skipped loudly. `lasting=True` keeps it for the
liveness phase. `proved(name, what, expected, proof)` runs a test that shows it
already: arguments of pytest, or a program of build/dev/tests and its words. What more servers a fault wants is
brought by an `@around` function: it is entered once, before the programs start.
"""

MODULES = ("door", "kafka", "verifier", "postgres", "statements", "redis",
           "gateway", "network", "logs", "process", "timelines", "names")
