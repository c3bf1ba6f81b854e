"""Ten times as many clients as fit, for a minute: the rest is told at once, memory stays bounded, everything recovers.

Times are printed, never asserted; `OVERLOAD_S` makes it shorter."""

import asyncio
import json
import os
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil
import pytest

from backend.serve.pending import WAITING
from tests.e2e.engine_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
SECONDS = float(os.environ.get("OVERLOAD_S", "60"))
BODY = json.dumps({"prompt": "import os\n\n\ndef main(", "max_tokens": 12, "temperature": 0}).encode()
REQUEST = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
MOST_GROWTH = 150_000_000
"""Bytes that ten times the clients may cost the engine: sockets and buffers, no queue."""


@dataclass
class Seen:
    """What clients were told, and the milliseconds each took."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def say(self, what: str) -> str:
        parts = [f"{what}: {len(self.answered)} answered, {len(self.refused)} refused"]
        for name, times in (("answer", self.answered), ("refusal", self.refused)):
            if len(times) > 1:
                cuts = statistics.quantiles(times, n=20)
                parts.append(f"{name} p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms")
        return "; ".join(parts)


async def client(port: int, end: float, seen: Seen) -> None:
    """Asks over one connection until the end, and waits as long as it is told to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < end:
        began = time.perf_counter()
        writer.write(REQUEST)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split()[1])
        lines = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
        body = json.loads(await reader.readexactly(int(lines["content-length"])))
        took = (time.perf_counter() - began) * 1000
        if status == 200:
            seen.answered.append(took)
        elif status == 503 and lines.get("retry-after") == "1" and isinstance(body["detail"], str):
            seen.refused.append(took)
            await asyncio.sleep(1)
        else:
            seen.others[f"{status} {body}"] += 1
    writer.close()


async def crowd(port: int, clients: int, seconds: float) -> Seen:
    seen, end = Seen(), time.monotonic() + seconds
    await asyncio.gather(*(client(port, end, seen) for _ in range(clients)))
    return seen


def test_ten_times_as_many_as_fit(box: Box) -> None:
    pid = box.ok("engine", "start")["pid"]
    box.until(lambda: box.ok("status")["serving"][0]["state"] == "ready")
    engine = psutil.Process(pid)
    full = asyncio.run(crowd(box.port, WAITING, min(SECONDS, 15)))
    before, files = engine.memory_info().rss, engine.num_fds()
    peak = [before]

    async def overload() -> Seen:
        crowded = asyncio.create_task(crowd(box.port, 10 * WAITING, SECONDS))
        while not crowded.done():
            peak.append(engine.memory_info().rss)
            await asyncio.sleep(0.25)
        return crowded.result()

    seen = asyncio.run(overload())
    print(f"\n{full.say('as many as fit')}\n{seen.say('ten times as many')}")
    print(f"engine: {before / 1e6:.0f} MB before, {max(peak) / 1e6:.0f} MB at most")
    assert not full.others and not full.refused and not seen.others, (full.others, seen.others)
    assert len(seen.refused) > len(seen.answered) > 0
    assert max(peak) - before < MOST_GROWTH
    assert box.post(json.loads(BODY))[0] == 200
    box.until(lambda: engine.num_fds() <= files + 8)
    total = box.ok("stats")["total"]
    assert total["requests"] - total["refused"] == len(full.answered) + len(seen.answered) + 1
