"""Workers that die, clients that leave, checkpoints that change under load."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from backend import wire
from backend.errors import Overloaded
from backend.serve import pending
from backend.serve.complete import complete
from backend.serve.request import CompletionRequest, Delta
from tests.serve.serving_box import Box

PROMPT = "import os\n\n\ndef main("


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def worker(box: Box) -> psutil.Process:
    until(lambda: box.host.state == "ready" and box.host.pid is not None)
    return psutil.Process(box.host.pid)


def idle(process: psutil.Process) -> bool:
    before = sum(process.cpu_times()[:2])
    time.sleep(0.15)
    return sum(process.cpu_times()[:2]) == before


@pytest.mark.parametrize("stream", [False, True])
def test_hanging_up_stops_the_work(box: Box, stream: bool) -> None:
    process = worker(box)
    until(lambda: idle(process))
    answered = box.host.measure.requests
    body = json.dumps(
        {"prompt": PROMPT, "max_tokens": 2000, "stream": stream, "temperature": 0, "model": "starter:base"}
    )
    with socket.create_connection(("127.0.0.1", box.port)) as connection:
        request = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        connection.sendall(request.encode())
        if stream:
            assert connection.recv(64)
        else:
            until(lambda: not idle(process))
    until(lambda: not box.host.waiting and idle(process))
    assert box.host.measure.requests == answered


def test_killed_worker_comes_back_and_what_had_not_begun_is_answered(box: Box) -> None:
    process = worker(box)
    texts: list[str] = []
    asks = [
        threading.Thread(target=lambda: texts.append(box.complete(prompt=PROMPT, max_tokens=300)["choices"][0]["text"]))
        for _ in range(3)
    ]
    for ask in asks:
        ask.start()
    until(lambda: box.host.waiting == 3)
    os.kill(process.pid, signal.SIGKILL)
    for ask in asks:
        ask.join(90)
    assert len(texts) == 3
    assert len(set(texts)) == 1
    assert worker(box).pid != process.pid


def test_killed_worker_ends_a_stream_that_had_begun(box: Box) -> None:
    process = worker(box)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", box.port, timeout=60)) as connection:
        body = json.dumps(
            {"prompt": PROMPT, "max_tokens": 1900, "stream": True, "temperature": 0, "model": "starter:base"}
        )
        connection.request("POST", "/v1/completions", body)
        answer = connection.getresponse()
        answer.readline()
        os.kill(process.pid, signal.SIGKILL)
        text = answer.read().decode()
    assert "died in the middle" in text
    assert "[DONE]" not in text
    assert box.complete(prompt=PROMPT, max_tokens=3)["choices"][0]["text"]


def test_too_many_are_told_to_come_back(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(box)
    monkeypatch.setattr(pending, "WAITING", 0)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", box.port, timeout=60)) as connection:
        connection.request("POST", "/v1/completions", json.dumps({"prompt": "x"}))
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert isinstance(json.loads(answer.read())["detail"], str)


def test_one_key_cannot_shut_out_another(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    worker(box)
    monkeypatch.setattr(pending, "WAITING", 4)

    async def ask(key: str, tokens: int = 4) -> Delta:
        asked = CompletionRequest(prompt=PROMPT, max_tokens=tokens, temperature=0, key=key)
        async with contextlib.aclosing(box.host.generate(asked, None)) as pieces:
            return [piece async for piece in pieces][-1]

    async def both() -> list[Any]:
        greedy = [asyncio.create_task(ask("greedy", 300)) for _ in range(5)]
        await asyncio.sleep(0)
        modest = asyncio.create_task(ask("modest"))
        found: list[Any] = await asyncio.gather(*greedy, modest, return_exceptions=True)
        return found

    *greedy, modest = box.call(both())
    assert [isinstance(one, Overloaded) for one in greedy] == [False] * 4 + [True]
    assert isinstance(modest, Delta) and modest.tokens == 4


def test_an_answer_is_judged_by_what_was_wanted(box: Box) -> None:
    asked: dict[str, Any] = {"prefix": "def total(lines):\n    return ", "max_tokens": 12, "stop": ["\n"]}
    plain = box.call(complete(box.ctx, wire.Complete(**asked)))
    assert plain.text.strip() and plain.exact is None and plain.similarity is None
    same = box.call(complete(box.ctx, wire.Complete(**asked, wanted=plain.text + "  \n")))
    assert (same.exact, same.similarity) == (True, 1.0), "blanks behind it count for nothing"
    other = box.call(complete(box.ctx, wire.Complete(**asked, wanted=plain.text.strip() + " + something_else")))
    assert other.exact is False and 0 < other.similarity < 1
