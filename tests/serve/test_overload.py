"""Ten times as many clients as may wait, for a minute: refused at once, in bounded memory, and over when it is over."""

import asyncio
import json
import time
from collections import Counter

import psutil
import pytest

from backend.serve.caches import KEPT, ROWS, Cache
from backend.serve.host import WAITING
from backend.serve.llama import read_shape
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until, worker

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
SECONDS = 60
CODE = "".join(f"value_{number} = {number} * count\n" for number in range(40))
SLACK = 300 * 1024 * 1024
"""What a process may take beside its caches: threads, buffers, what malloc keeps."""


async def ask(port: int, number: int) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of one completion on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"prompt": f"# {number}\n{CODE}", "max_tokens": 24, "temperature": 0})
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    try:
        writer.write((head + body).encode())
        answer = (await reader.read()).decode()
    finally:
        writer.close()
    lines, _, text = answer.partition("\r\n\r\n")
    status, *rest = lines.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(status.split()[1]), headers, text


async def hammer(port: int, clients: int, seconds: float) -> Counter[int]:
    """Clients that ask again and again, a refused one after the second that it is told to wait."""
    statuses = Counter[int]()
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        while time.monotonic() < end:
            status, headers, text = await ask(port, number)
            statuses[status] += 1
            if status == 503:
                assert isinstance(json.loads(text)["detail"], str)
                await asyncio.sleep(int(headers["retry-after"]))
            else:
                assert json.loads(text)["choices"][0]["finish_reason"] in ("stop", "length"), text

    await asyncio.gather(*(client(number) for number in range(clients)))
    return statuses


def test_ten_times_too_many_are_refused_in_bounded_memory(box: Box) -> None:
    process, engine = worker(box), psutil.Process()
    before = process.memory_info().rss, engine.memory_info().rss
    statuses = asyncio.run(hammer(box.port, 10 * WAITING, SECONDS))
    assert set(statuses) == {200, 503}, statuses
    whole = Cache(read_shape(box.starter.path), box.starter.context).bytes
    assert process.memory_info().rss - before[0] < (ROWS + KEPT) * whole + SLACK
    assert engine.memory_info().rss - before[1] < SLACK
    until(lambda: not box.host.waiting)
    assert box.host.pid == process.pid
    assert box.complete(prompt="import ", max_tokens=4)["choices"][0]["text"]
