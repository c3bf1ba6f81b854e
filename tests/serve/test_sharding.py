"""A hosted model with its layers in several processes: the same answers, and what happens when one of them ends."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backend import wire
from backend.errors import RefactError
from backend.models.catalog import STARTER, ModelInfo
from backend.models.tokenizer import TextTokenizer
from backend.serve.holding import Held, hold
from backend.serve.request import Adapter
from backend.serve.stages import Lost, divided
from tests.serve.bench import Bench, placed, request
from tests.serve.serving_box import Box, write_adapter
from tests.serve.test_hosting import PROMPT, until


@pytest.fixture
def spread(tiny: ModelInfo) -> Iterator[Held]:
    """A layer in each of three processes."""
    held = hold(tiny, placed(tiny, 3))
    yield held
    held.model.close()


def others() -> list[psutil.Process]:
    """The processes that hold other layers, as far as they live."""
    return [one for one in psutil.Process().children() if "backend.serve.shard" in one.cmdline()]


def test_layers_are_split_evenly() -> None:
    assert divided(10, 3) == [range(3), range(3, 6), range(6, 10)]
    assert divided(4, 4) == [range(1), range(1, 2), range(2, 3), range(3, 4)]


def test_a_layer_in_each_process_answers_the_same(
    tiny: ModelInfo, tokenizer: TextTokenizer, spread: Held, tmp_path: Path
) -> None:
    assert len(others()) == 2
    adapters = [None] + [
        Adapter(checkpoint=f"s:{seed}", path=str(write_adapter(tmp_path / str(seed), tiny, seed))) for seed in range(8)
    ]
    together = Bench(tiny, tokenizer, rows=4, held=spread)
    for number, adapter in enumerate(adapters * 2):
        together.add(number, request(PROMPT + "x" * number, 12, temperature=0.7, seed=number), adapter)
        if adapter and number % 3 == 0:
            together.adapters.install(adapter, together.adapters.copy(adapter), together.batch.names())
    found = together.drain()
    for number, row in together.rows.items():
        assert found[number][-1].text == Bench(tiny, tokenizer).answer(row.request, row.adapter).text


def test_what_is_held_no_more_is_let_go_everywhere(tiny: ModelInfo, tokenizer: TextTokenizer, spread: Held) -> None:
    bench = Bench(tiny, tokenizer, kept_bytes=0, held=spread)
    grown = []
    for part in range(2):  # what an allocator takes once for itself shows in the first only
        before = sum(one.memory_info().rss for one in others())
        for number in range(250):
            bench.answer(request(f"{part} {number} " * 100, 1))
        grown.append(sum(one.memory_info().rss for one in others()) - before)
    cache = 2 * 512 * tiny.hidden_size * 4
    assert grown[1] < 125 * cache, f"{grown} bytes after 250 caches of {cache} in each process"


def test_an_adapter_that_is_gone_fails_its_own_request(
    tiny: ModelInfo, tokenizer: TextTokenizer, spread: Held, tmp_path: Path
) -> None:
    bench = Bench(tiny, tokenizer, held=spread)
    bench.add(1, request(PROMPT), Adapter(checkpoint="gone:1", path=str(tmp_path / "gone")))
    (_, error), *_ = list(bench.batch.step())
    assert isinstance(error, RefactError)
    assert bench.answer(request(PROMPT)).text == Bench(tiny, tokenizer).answer(request(PROMPT)).text


def test_without_one_of_the_processes_nothing_is_answered(
    tiny: ModelInfo, tokenizer: TextTokenizer, spread: Held
) -> None:
    bench = Bench(tiny, tokenizer, held=spread)
    others()[-1].kill()
    with pytest.raises(Lost):
        bench.answer(request(PROMPT))


@pytest.mark.soak
def test_a_hosted_model_is_spread_and_survives_the_end_of_a_part(box: Box) -> None:
    hosts, host = box.ctx.hosts, box.host
    text = box.complete(prompt=PROMPT, max_tokens=20, model="starter:base")["choices"][0]["text"]
    try:
        box.call(hosts.take_up(STARTER, wire.Placement(device="cpu,cpu", context=512)))
        assert box.complete(prompt=PROMPT, max_tokens=20, model="starter:base")["choices"][0]["text"] == text
        shown = hosts.show(STARTER)
        assert (shown.device, shown.dtype, shown.context, shown.state) == ("cpu,cpu", "fp32", 512, "ready")
        worker = psutil.Process(host.pid)
        (part,) = worker.children()
        os.kill(part.pid, signal.SIGKILL)
        until(lambda: host.pid not in (None, worker.pid))
        assert box.complete(prompt=PROMPT, max_tokens=20, model="starter:base")["choices"][0]["text"] == text
        assert host.pid != worker.pid
    finally:
        box.call(hosts.take_up(STARTER, wire.Placement()))
        until(lambda: host.state == "ready" and host.placed is not None and host.placed.devices == ["cpu"])
    assert not [one for one in psutil.Process(host.pid).children(recursive=True) if one.is_running()]
    deadline = time.monotonic() + 20
    while psutil.pid_exists(part.pid) and psutil.Process(part.pid).status() != "zombie":
        assert time.monotonic() < deadline
