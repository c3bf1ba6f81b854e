"""Checkpoints change under streaming clients: no request fails, and each answer is the whole answer of one of them."""

import json
import threading
import time
from pathlib import Path

import pytest

from backend import wire
from backend.checkpoints import switch
from backend.serve.adapters import KEEP
from tests.serve.serving_box import Box, write_adapter

PROMPT = "import os\n\n\ndef main("
TOKENS = 24
MORE = 6
"""Checkpoints beside the box's own three: more than there are copies."""


class Clients:
    """Streams that ask again and again, and hold each answer against what its checkpoint says when alone."""

    def __init__(self, box: Box, expected: dict[str | None, str], count: int) -> None:
        self._box, self._expected = box, expected
        self.wrong: list[str] = []
        self.seen: set[str | None] = set()
        self.answers = 0
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        turn = number
        names = sorted(name or "base" for name in self._expected)
        while not self._over.is_set() and not self.wrong:
            turn += 1
            # Most ask for what is served, every fourth client names a checkpoint of its own choice each time.
            model = f"starter:{names[turn % len(names)]}" if number % 4 == 3 else "starter"
            body = {"model": model, "prompt": PROMPT, "max_tokens": TOKENS, "stream": True, "temperature": 0}
            status, text = self._box.ask("POST", "/v1/completions", body)
            events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
            if status != 200 or events[-1] != "[DONE]":
                self.wrong.append(f"{status} {text[-200:]}")
                return
            packets = [json.loads(event) for event in events[:-1]]
            said = {packet["checkpoint"] for packet in packets}
            answer = "".join(packet["choices"][0]["text"] for packet in packets)
            with self._lock:
                if len(said) != 1 or answer != self._expected[packets[0]["checkpoint"]]:
                    self.wrong.append(f"{said}: {answer!r}")
                self.seen |= said
                self.answers += 1

    def answered(self, more: int) -> None:
        """Wait for so many answers more, or for one that is wrong."""
        until, deadline = self.answers + more, time.monotonic() + 60
        while self.answers < until and not self.wrong:
            assert time.monotonic() < deadline, "no answers come"
            time.sleep(0.02)

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.parametrize(
    ("switches", "clients"),
    [
        pytest.param(20, 4, id="twenty-under-four"),
        pytest.param(200, 16, id="two-hundred-under-sixteen", marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
def test_switches_under_streams(box: Box, tmp_path: Path, switches: int, clients: int) -> None:
    for number in range(10, 10 + MORE):
        if all(row.step != number for row in box.shelf.rows):
            box.shelf.put("sign", number, write_adapter(tmp_path / str(number), box.starter, number))
    names: list[str | None] = [None, *(row.id for row in box.shelf.rows)]
    assert len(names) > KEEP + 2
    expected = {
        name: box.complete(prompt=PROMPT, max_tokens=TOKENS, model=f"starter:{name or 'base'}")["choices"][0]["text"]
        for name in names
    }
    assert len(set(expected.values())) == len(names), "the answers must tell the checkpoints apart"
    crowd = Clients(box, expected, clients)
    try:
        for turn in range(switches):
            name = names[turn % len(names)]
            use = wire.Use(mode="specific", checkpoint=name) if name else wire.Use(mode="off")
            assert box.call(switch.use(box.ctx, use)).checkpoint == name
            if turn % 4 == 0:
                crowd.answered(1)
        crowd.answered(clients)
    finally:
        crowd.end()
    assert not crowd.wrong
    assert crowd.seen == set(names) if clients > 4 else len(crowd.seen) > 1
