"""Real clients where everybody needs an API key: they send it, it is counted, and without it they are told so."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import wire
from tests.clients.node import script
from tests.clients.refact_lsp import Refact
from tests.serve.serving_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.fixture
def key(box: Box) -> Iterator[str]:
    """The only key, in a box that serves nobody without one."""
    made = box.call(box.ctx.hosts.keys.create(wire.NewApiKey(name="ann")))
    box.complete(prompt="x", max_tokens=1)
    box.ctx.hosts.keys.demanded = True
    yield made.key
    box.ctx.hosts.keys.demanded = False
    box.call(box.ctx.hosts.keys.revoke("ann"))


def asked(box: Box) -> int:
    return sum(tally.requests for (_, _, key), tally in box.ctx.hosts.statistics.lived.items() if key == "ann")


def test_refact_lsp(box: Box, key: str, tmp_path: Path) -> None:
    """It asks for the tokenizer without the key that it has."""
    refact = Refact(box, tmp_path, key)
    try:
        refact.until_it_answers()
        status, text = refact.complete(False)
    finally:
        refact.editor.close()
    assert status == 200 and json.loads(text)["choices"], text
    assert asked(box) >= 1


def test_refact_lsp_with_another_key(box: Box, key: str, tmp_path: Path) -> None:
    refact = Refact(box, tmp_path, "k")
    before = asked(box)
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                text = refact.ask("GET", "/v1/caps")[1]
                break
            assert time.monotonic() < end
            time.sleep(0.2)
        assert "not known here" in text
    finally:
        refact.editor.close()
    assert asked(box) == before


def test_tabby_agent(box: Box, key: str, tmp_path: Path) -> None:
    before = asked(box)
    told = script("tabby_agent.cjs", "tabby-agent", tmp_path, f"http://127.0.0.1:{box.port}", key)
    assert told["status"] == "ready" and told["texts"], told
    assert asked(box) > before
