"""How long the engine, a verb and the screen take to be there on an empty home, each beside its aim."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.screen import Screen

TURNS = 5


def verb(environment: dict[str, str], *arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", "-m", "refact_tui", *arguments], env=environment, capture_output=True, check=False
    )
    return time.perf_counter() - began


def screen(environment: dict[str, str]) -> float:
    """Seconds until the names of the rooms are drawn on a terminal of 80×24."""
    one = Screen(environment, (80, 24))
    try:
        return one.until("Checkpoints")
    finally:
        one.close()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rt-") as home:
        environment = {**os.environ, "REFACT_TUI_HOME": str(Path(home) / "state"), "REFACT_TUI_PORT": "18123"}
        cold, alone = [], []
        for _ in range(TURNS):
            cold.append(verb(environment, "engine", "start"))
            verb(environment, "engine", "stop")
            alone.append(screen(environment))
            verb(environment, "engine", "stop")
        verb(environment, "engine", "start")
        rows = {
            "engine start, cold": (cold, 1.0),
            "status": ([verb(environment, "status") for _ in range(TURNS)], 1.0),
            "first screen, engine running": ([screen(environment) for _ in range(TURNS)], 0.8),
            "first screen, engine started by it": (alone, 2.0),
        }
        verb(environment, "engine", "stop")
    for name, (seconds, aim) in rows.items():
        print(f"{name:36} best of {TURNS} {min(seconds) * 1000:6.0f} ms (aim: {aim * 1000:.0f})")


if __name__ == "__main__":
    main()
