"""Steps that go wrong: a model without its last token's row fails at that token, one without any row at everything."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from backend import wire
from backend.errors import Overloaded, RefactError
from backend.models.catalog import ModelInfo, read_folder
from backend.models.tokenizer import TextTokenizer, load_tokenizer
from backend.serve.request import Delta
from tests.serve.bench import ROWS, Bench, request
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until
from tests.serve.tiny_model import write_model

EMBEDDING = "model.embed_tokens.weight"
PROMPTS = ["def f(", "import os\n", "class A:\n    def", "x = ", "return [one for one in"]


def write_lame(folder: Path, rows: int | None = -1) -> ModelInfo:
    """A tiny model that knows only the first of its tokens."""
    folder.mkdir()
    write_model(folder)
    weights = load_file(folder / "model.safetensors")
    weights[EMBEDDING] = weights[EMBEDDING][:rows].contiguous()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return read_folder("lame", folder)


@pytest.fixture(scope="module")
def lame(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return write_lame(tmp_path_factory.mktemp("models") / "lame")


@pytest.fixture(scope="module")
def poison(lame: ModelInfo) -> str:
    """A text that holds the token without a row."""
    tokenizer = load_tokenizer(lame)
    last = json.loads((lame.path / "config.json").read_text())["vocab_size"] - 1
    texts = [f"{before}{tokenizer.decode([last])}" for before in ("", "(", "a = ", "1")]
    return next(text for text in texts if last in tokenizer.encode_plain(text))


def run(bench: Bench) -> tuple[dict[int, str], dict[int, RefactError]]:
    """What was answered to the end, and what was refused."""
    texts, errors = dict[int, str](), dict[int, RefactError]()
    while bench.batch.busy():
        for id_, answer in bench.batch.step():
            if isinstance(answer, Delta):
                texts[id_] = texts.get(id_, "") + answer.text
            else:
                errors[id_] = answer
    return texts, errors


@pytest.mark.parametrize("place", [0, 2, len(PROMPTS)])
def test_only_the_request_at_which_it_fails_is_lost(
    lame: ModelInfo, tokenizer: TextTokenizer, poison: str, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    bench, alone = Bench(lame, tokenizer), Bench(lame, tokenizer)
    prompts = [*PROMPTS[:place], poison, *PROMPTS[place:]]
    for number, prompt in enumerate(prompts):
        bench.add(number, request(prompt, 30))
    texts, errors = run(bench)
    assert list(errors) == [place] and "failed at this request (IndexError)" in errors[place].message
    assert texts == {n: alone.answer(request(one, 30)).text for n, one in enumerate(prompts) if n != place}
    assert "Traceback" in caplog.text


def test_others_that_are_being_answered_go_on(lame: ModelInfo, tokenizer: TextTokenizer, poison: str) -> None:
    bench, alone = Bench(lame, tokenizer), Bench(lame, tokenizer)
    bench.add(0, request(PROMPTS[0], 60))
    for number in range(1, 20):
        list(bench.batch.step())
        bench.add(number, request(poison, 30))
    texts, errors = run(bench)
    assert texts == {0: alone.answer(request(PROMPTS[0], 60)).text}
    assert len(errors) <= 19 and all(isinstance(one, RefactError) for one in errors.values())


def test_nothing_is_kept_of_what_failed(lame: ModelInfo, tokenizer: TextTokenizer, poison: str) -> None:
    bench = Bench(lame, tokenizer)
    long = PROMPTS[0] * 20
    bench.add(0, request(long + poison))
    assert run(bench)[1]
    assert bench.answer(request(long)).cached_tokens == 0
    assert bench.answer(request(long)).cached_tokens > 0, "and what was answered is kept as always"


def test_a_model_that_computes_nothing_ends_its_worker(tokenizer: TextTokenizer, tmp_path: Path) -> None:
    bench = Bench(write_lame(tmp_path / "lame", 0), tokenizer)
    bench.add(0, request(PROMPTS[0]))
    with pytest.raises(IndexError):
        list(bench.batch.step())


ENDLESS = 2**44
"""Tokens: keys and values for so many fit no computer."""


def boundless(info: ModelInfo, tokenizer: TextTokenizer) -> Bench:
    """A batch whose requests may ask for any number of tokens."""
    bench = Bench(info, tokenizer)
    bench.info = replace(info, context=2 * ENDLESS)
    return bench


def test_without_memory_only_what_is_too_large_is_refused(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench, alone = boundless(tiny, tokenizer), Bench(tiny, tokenizer)
    long = PROMPTS[0] * 20
    before = bench.answer(request(long)).text
    for number, prompt in enumerate(PROMPTS):
        bench.add(number + 1, request(prompt, 30))
    bench.add(99, request(PROMPTS[0], ENDLESS))
    texts, errors = run(bench)
    assert list(errors) == [99] and isinstance(errors[99], Overloaded)
    assert texts == {number + 1: alone.answer(request(prompt, 30)).text for number, prompt in enumerate(PROMPTS)}
    again = bench.answer(request(long))
    assert (again.text, again.cached_tokens) == (before, 0), "nothing is kept for a while"
    assert bench.answer(request(long)).cached_tokens == 0


def test_after_too_little_memory_fewer_are_decoded_together(tiny: ModelInfo, tokenizer: TextTokenizer) -> None:
    bench = boundless(tiny, tokenizer)
    bench.add(0, request(PROMPTS[0], ENDLESS))
    run(bench)
    together = 0
    for number in range(1, ROWS + 1):
        bench.add(number, request(PROMPTS[0] + str(number), 20, stream=True))
    while bench.batch.busy():
        together = max(together, len({id_ for id_, _ in bench.batch.step()}))
    assert together == 1


def test_the_worker_goes_on_for_everybody_else(box: Box, lame: ModelInfo, poison: str) -> None:
    box.ctx.models[lame.name] = lame
    box.call(box.ctx.hosts.take_up(lame.name, wire.Placement()))
    host = box.ctx.hosts.host(lame.name)
    until(lambda: host.state == "ready")
    pid = host.pid
    ask: dict[str, Any] = {"model": lame.name, "max_tokens": 300, "temperature": 0}
    expected = box.complete(**ask, prompt=PROMPTS[0])["choices"][0]["text"]
    texts, refused = list[str](), list[tuple[int, Any]]()

    def good() -> None:
        for _ in range(5):
            texts.append(box.complete(**ask, prompt=PROMPTS[0])["choices"][0]["text"])

    def bad(path: str, body: dict[str, Any]) -> None:
        for _ in range(5):
            status, text = box.ask("POST", path, {**ask, **body})
            refused.append((status, json.loads(text)["error"]))

    bodies = {
        "/v1/completions": {"prompt": poison},
        "/infill": {"input_prefix": poison, "stream": True},
        "/api/generate": {"prompt": poison},
    }
    threads = [threading.Thread(target=good) for _ in range(4)]
    threads += [threading.Thread(target=bad, args=one) for one in bodies.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts == [expected] * 20
    assert len(refused) == 15 and {status for status, _ in refused} == {500}
    assert all("failed at this request" in (one if isinstance(one, str) else one["message"]) for _, one in refused)
    assert host.pid == pid and box.host.state == "ready"
    box.call(box.ctx.hosts.give_up(lame.name))
