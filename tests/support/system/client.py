"""Node programs under tests/clients: software that knows nothing of us."""

import os
import subprocess
from pathlib import Path

CLIENTS = Path(__file__).resolve().parents[2] / "clients"


def node(script, *arguments, seconds=60, check=True, **environment):
    """Runs tests/clients/SCRIPT; returns what it printed."""
    env = {key: value for key, value in os.environ.items()
           if not key.startswith("TIDEMILL_")}
    env.update({key: str(value) for key, value in environment.items()})
    done = subprocess.run(
        ["node", CLIENTS / script, *map(str, arguments)], cwd=CLIENTS, env=env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=seconds)
    if check and done.returncode != 0:
        raise RuntimeError(f"{script}: status {done.returncode}\n"
                           f"{done.stdout}\n{done.stderr}")
    return done.stdout
