"""Our endpoint beside `transformers serve`, plain and with --continuous-batching: same weights, threads and requests.

Concurrent fill-in-the-middle completions of 48 tokens, and somebody who types in a file of 300 lines. Each server runs
alone, on one thread. The other one is installed into a folder of the user's cache. BENCH_CLIENTS, BENCH_ROUNDS and
BENCH_KEYS make it smaller."""

import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from backend.models.catalog import starter, starter_folder
from backend.models.tokenizer import load_tokenizer
from tests.benchmarks.other_tools import interpreter

PEERS = ("transformers[serving]==5.24.0", "torch==2.13.0")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refact-tui" / "other-servers"
ROOT = Path(__file__).parents[2]
CLIENTS = [int(one) for one in os.environ.get("BENCH_CLIENTS", "1,4,8,32").split(",")]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "4"))
"""Requests of each client."""
KEYS = int(os.environ.get("BENCH_KEYS", "200"))
TOKENS, TYPED_TOKENS, LINES = 48, 16, 300
BEFORE, AFTER = 2500, 600
"""Characters around a cursor."""
LONGEST = 1900
"""Tokens of a prompt."""
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
START_S = 180


@dataclass(frozen=True)
class Server:
    """One that answers /v1/completions; `model` is what it calls the starter."""

    name: str
    command: list[str]
    model: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Level:
    """What so many clients at a time got."""

    tokens_per_s: float
    first_ms: float


def prompts(count: int) -> list[str]:
    """Places in the standard library, laid out as the starter was trained, short enough for its context."""
    found: list[str] = []
    tokenizer = load_tokenizer(starter())
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        text = path.read_text(errors="replace")
        for at in range(BEFORE, len(text) - AFTER, 4 * BEFORE):
            prompt = laid_out(text[at - BEFORE : at], text[at + 40 : at + 40 + AFTER])
            if len(tokenizer.encode_plain(prompt)) < LONGEST:
                found.append(prompt)
    return found[:: max(len(found) // count, 1)][:count]


def laid_out(before: str, after: str) -> str:
    info = starter()
    return f"{info.fim_prefix}{info.fim_suffix}{after}{info.fim_middle}{before}"


def keystrokes() -> list[str]:
    """A file of 300 lines, in whose middle somebody types what stood there."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        lines = path.read_text(errors="replace").splitlines(keepends=True)[:LINES]
        text = "".join(lines)
        if len(lines) == LINES and len(load_tokenizer(starter()).encode_plain(text)) < LONGEST:
            break
    cursor = len("".join(lines[: LINES // 2]))
    after = text[text.index("\n", cursor + KEYS) :]
    return [laid_out(text[: cursor + typed], after) for typed in range(1, KEYS + 1)]


def ask(port: int, model: str, prompt: str, tokens: int, temperature: float = 0.0) -> tuple[float, str]:
    """Seconds to the first text of a streamed answer, and its whole text."""
    body = {"model": model, "prompt": prompt, "max_tokens": tokens, "temperature": temperature, "stream": True}
    began, first, text = time.perf_counter(), 0.0, ""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=600)) as connection:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"{model} answered {answer.status}: {answer.read()[:500]!r}")
        for line in answer:
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:])["choices"]
                text += choices[0]["text"] if choices else ""
                first = first or (time.perf_counter() - began if text else 0.0)
    return first or time.perf_counter() - began, text


def crowd(port: int, model: str, clients: int, rounds: int = ROUNDS, temperature: float = 0.0) -> Level:
    """So many clients, each asking one thing after another; of what is drawn at random every answer counts as whole."""
    asked = prompts(clients * rounds)

    def client(number: int) -> list[tuple[float, str]]:
        return [ask(port, model, prompt, TOKENS, temperature) for prompt in asked[number::clients]]

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = [one for each in pool.map(client, range(clients)) for one in each]
    took = time.perf_counter() - began
    tokenizer = load_tokenizer(starter())
    tokens = sum(TOKENS if temperature else len(tokenizer.encode_plain(text)) for _, text in found)
    return Level(tokens / took, statistics.median(first for first, _ in found) * 1000)


def typing(port: int, server: Server) -> float:
    """Median milliseconds to a completion, keystroke after keystroke."""
    took = []
    for prompt in keystrokes():
        began = time.perf_counter()
        ask(port, server.model, prompt, TYPED_TOKENS)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


@contextlib.contextmanager
def running(server: Server, folder: Path) -> Iterator[int]:
    """The port of a server that answers; ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [part.replace("PORT", str(port)) for part in server.command]
    environment = {name: value.replace("PORT", str(port)) for name, value in server.environment.items()}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **THREADS, **environment}, cwd=ROOT, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers(port, server):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{server.name} did not start: {log.read_text()[-1500:]}")
            time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int, server: Server) -> bool:
    try:
        ask(port, server.model, "import ", 2)
    except (OSError, http.client.HTTPException):
        return False
    return True


def servers(folder: Path) -> list[Server]:
    """Ours, and the others where they can be installed."""
    home = {"REFACT_TUI_HOME": str(folder / "home"), "REFACT_TUI_PORT": "PORT"}
    found = [Server("refact-tui", [sys.executable, "-P", "-m", "backend"], "starter:base", home)]
    if python := interpreter(CACHE, list(PEERS)):
        hub = folder / "hub"
        (hub / "hub").mkdir(parents=True)
        quiet = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(hub), "TRANSFORMERS_VERBOSITY": "error"}
        model = str(starter_folder())
        serve = [str(python.parent / "transformers"), "serve", model, "--device", "cpu", "--port", "PORT"]
        batched = [*serve, "--continuous-batching", "--attn-implementation", "sdpa"]
        found.append(Server("transformers serve", serve, model, quiet))
        found.append(Server("  with --continuous-batching", batched, model, quiet))
    return found


def main() -> None:
    levels: dict[str, dict[int, Level]] = {}
    typed: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="rt-bench-") as name:
        folder = Path(name)
        for server in servers(folder):
            with running(server, folder) as port:
                levels[server.name] = {clients: crowd(port, server.model, clients) for clients in CLIENTS}
                typed[server.name] = typing(port, server)
            for clients, level in levels[server.name].items():
                print(
                    f"{server.name:<30} {clients:2} at once: {level.tokens_per_s:7.0f} tok/s, "
                    f"first text {level.first_ms:7.0f} ms",
                    flush=True,
                )
            print(f"{server.name:<30} typing: {typed[server.name]:.0f} ms to a completion", flush=True)
    ours, *others = levels
    for clients in CLIENTS if others else ():
        rate = max(levels[other][clients].tokens_per_s for other in others)
        first = min(levels[other][clients].first_ms for other in others)
        mine = levels[ours][clients]
        print(
            f"{clients:2} at once: {mine.tokens_per_s / rate:.2f} x the tokens a second of the better one (aim: 1.5), "
            f"first text after {mine.first_ms / first:.2f} x the time (aim: {1.0 if clients == 1 else 0.5})"
        )
    if others:
        best = min(typed[other] for other in others)
        print(f"typing: {typed[ours] / best:.2f} x the time to a completion (aim: 0.25)")


if __name__ == "__main__":
    main()
