"""How long the engine, a verb and the screen take to be there, against one second."""

import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMIT_S = 1.0
TURNS = 5


def best(times: list[float]) -> float:
    return min(times)


def verb(environment: dict[str, str], *arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", "-m", "refact_tui", *arguments], env=environment, capture_output=True, check=False
    )
    return time.perf_counter() - began


def screen(environment: dict[str, str]) -> float:
    """Seconds until the names of the rooms are drawn on a terminal of 80×24."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-P", "-m", "refact_tui"], environment)
    drawn = b""
    while b"Checkpoints" not in drawn and time.perf_counter() - began < 20:
        if select.select([terminal], [], [], 0.05)[0]:
            drawn += os.read(terminal, 65536)
    seconds = time.perf_counter() - began
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(terminal)
    return seconds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rt-") as home:
        environment = {
            **os.environ,
            "REFACT_TUI_HOME": str(Path(home) / "state"),
            "REFACT_TUI_PORT": "18123",
            "TERM": "xterm-256color",
            "COLUMNS": "80",
            "LINES": "24",
        }
        cold = []
        for _ in range(TURNS):
            cold.append(verb(environment, "engine", "start"))
            verb(environment, "engine", "stop")
        verb(environment, "engine", "start")
        rows = {
            "engine start, cold": best(cold),
            "status": best([verb(environment, "status") for _ in range(TURNS)]),
            "first screen, engine running": best([screen(environment) for _ in range(TURNS)]),
        }
        verb(environment, "engine", "stop")
    for name, seconds in rows.items():
        print(f"{name:32} {seconds * 1000:7.0f} ms   {seconds / LIMIT_S:5.2f} × of {LIMIT_S:.0f} s")


if __name__ == "__main__":
    main()
