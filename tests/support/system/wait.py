"""Waiting for an event, with a deadline and words for when it does not come."""

import time


def wait_until(what, condition, seconds=30.0, every=0.02):
    """Asks `condition` until its answer is true, and returns that answer.

    An exception counts as "not yet"; the last one is shown when the deadline
    passes.
    """
    deadline = time.monotonic() + seconds
    trouble = None
    while True:
        try:
            answer = condition()
            if answer:
                return answer
            trouble = None
        except Exception as error:  # the peer may be down on purpose
            trouble = error
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s still not: {what}"
                               + (f" ({trouble!r})" if trouble else ""))
        time.sleep(every)
