"""How long a switch of checkpoints takes while sixteen clients stream from the starter, and what the clients notice.

A switch counts until the next request would be answered by the new checkpoint. Aim: a median under 100 ms."""

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.bench_serving import TOKENS, ask, prompts
from tests.e2e.engine_box import Box, fresh_box, sample

CLIENTS, TURNS = 16, int(os.environ.get("BENCH_SWITCHES", "40"))
STEPS = 8
"""Of the run that makes the checkpoints; as many of them as it has evaluations."""


class Crowd:
    """Clients that stream one completion after the other until they are told to stop."""

    def __init__(self, port: int) -> None:
        self._port, self._over = port, threading.Event()
        self.first: list[float] = []
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        asked = prompts(64)
        while not self._over.is_set():
            number += CLIENTS
            self.first.append(ask(self._port, "starter", asked[number % 64], TOKENS)[0] * 1000)

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def checkpoints(box: Box, folder: Path) -> list[str]:
    """Of a short run."""
    box.ok("sources", "add", str(sample(folder / "sample")), "--name", "sample", "--wait")
    box.ok("scan", "run", "--wait")
    settings = ("--steps", str(STEPS), "--batch-size", "4", "--set", "eval_every=2", "--set", "eval_places=10")
    box.ok("train", "start", "--name", "bench", *settings, "--wait", timeout=900)
    return [one["id"] for one in box.ok("checkpoints", "list")]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-switching-") as folder, fresh_box() as box:
        known = ["off", *checkpoints(box, Path(folder))]
        calm = [float(box.ok("use", known[turn % len(known)])["switched_ms"]) for turn in range(2 * len(known))]
        crowd = Crowd(box.port)
        time.sleep(3)
        quiet, crowded = len(crowd.first), []
        for turn in range(TURNS):
            crowded.append(float(box.ok("use", known[turn % len(known)])["switched_ms"]))
        crowd.end()
        before, during = crowd.first[:quiet], crowd.first[quiet:]
        print(
            f"{len(known)} checkpoints, {CLIENTS} streams: a switch {statistics.median(crowded):.0f} ms at the median, "
            f"95 % within {sorted(crowded)[int(len(crowded) * 0.95)]:.0f} ms (aim: 100); without clients "
            f"{statistics.median(calm):.0f} ms"
        )
        print(
            f"first tokens came after {statistics.median(during):.0f} ms while it switched, {len(during)} of them; "
            f"{statistics.median(before):.0f} ms before"
        )


if __name__ == "__main__":
    main()
