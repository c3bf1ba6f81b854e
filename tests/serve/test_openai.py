"""OpenAI's own client against the endpoint."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from refact_tui.connect import settings
from tests.serve.serving_box import Box


@pytest.fixture
def client(box: Box) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"http://127.0.0.1:{box.port}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_plain(client: OpenAI) -> None:
    answer = client.completions.create(
        model="starter", prompt="def add(a, b):\n    return", max_tokens=12, temperature=0
    )
    assert answer.choices[0].text
    assert answer.usage is not None
    assert 1 <= answer.usage.completion_tokens <= 12
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_suffix_changes_the_answer(client: OpenAI) -> None:
    prompt, suffix = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
    texts = [
        client.completions.create(model="starter:base", prompt=prompt, suffix=after, max_tokens=16, temperature=0)
        for after in (None, suffix)
    ]
    assert texts[0].usage is not None and texts[1].usage is not None
    assert texts[1].usage.prompt_tokens > texts[0].usage.prompt_tokens + 3


def test_streaming_equals_plain(client: OpenAI) -> None:
    ask = {
        "model": "starter:sign:1",
        "prompt": "class Engine:\n    def __init__(self",
        "max_tokens": 24,
        "temperature": 0,
    }
    plain = client.completions.create(**ask)  # type: ignore[call-overload]
    stream = client.completions.create(**ask, stream=True)  # type: ignore[call-overload]
    pieces = [packet.choices[0] for packet in stream]
    assert "".join(piece.text for piece in pieces) == plain.choices[0].text
    assert pieces[-1].finish_reason == plain.choices[0].finish_reason


def test_an_editor_with_crlf_gets_the_same_answer_with_crlf(client: OpenAI) -> None:
    prompt = "class Box:\n    def __init__(self):\n        self.size = 1\n\n    def grow(self):\n"
    texts = [
        client.completions.create(model="starter:base", prompt=asked, max_tokens=40, temperature=0).choices[0].text
        for asked in (prompt, prompt.replace("\n", "\r\n"))
    ]
    assert texts[0].count("\n") > 1 and "\r" not in texts[0]
    assert texts[1] == texts[0].replace("\n", "\r\n")


def test_several_choices_prompts_and_echo(client: OpenAI) -> None:
    answer = client.completions.create(model="starter", prompt=["a = ", "b = "], n=2, max_tokens=3, seed=1, echo=True)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert [choice.text[:4] for choice in answer.choices] == ["a = ", "a = ", "b = ", "b = "]
    again = client.completions.create(model="starter", prompt=["a = ", "b = "], n=2, max_tokens=3, seed=1, echo=True)
    assert [choice.text for choice in again.choices] == [choice.text for choice in answer.choices]


def test_a_prompt_is_counted_once_whatever_the_choices(client: OpenAI) -> None:
    used = [
        client.completions.create(model="starter", prompt="a = b +", n=n, best_of=n, max_tokens=2).usage for n in (1, 3)
    ]
    assert used[0] and used[1] and used[0].prompt_tokens == used[1].prompt_tokens
    with pytest.raises(BadRequestError, match="best_of"):
        client.completions.create(model="starter", prompt="a", n=1, best_of=4)


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs_tell_of_every_token(client: OpenAI, stream: bool) -> None:
    ask = {"model": "starter:base", "prompt": "def add(a, b):\n    return", "max_tokens": 8, "temperature": 0}
    if stream:
        packets = list(client.completions.create(**ask, logprobs=3, stream=True))  # type: ignore[call-overload]
        told = [packet.choices[0].logprobs for packet in packets]
        text = "".join(packet.choices[0].text for packet in packets)
    else:
        answer = client.completions.create(**ask, logprobs=3)  # type: ignore[call-overload]
        told, text = [answer.choices[0].logprobs], answer.choices[0].text
    tokens = [token for one in told for token in one.tokens]
    logarithms = [value for one in told for value in one.token_logprobs]
    assert "".join(tokens) == text and len(tokens) == 8
    offsets = [place for one in told for place in one.text_offset]
    assert offsets == [len(ask["prompt"]) + len("".join(tokens[:number])) for number in range(8)]  # type: ignore[arg-type]
    for token, value, top in zip(tokens, logarithms, [row for one in told for row in one.top_logprobs], strict=True):
        # Greedy: the token that was taken is the likeliest.
        assert value <= 0 and len(top) == 3 and top[token] == value == max(top.values())
    with pytest.raises(BadRequestError, match="echo"):
        client.completions.create(model="starter", prompt="a", logprobs=1, echo=True)


def test_choices_come_side_by_side_in_a_stream(client: OpenAI) -> None:
    ask = {"model": "starter", "prompt": "import ", "n": 3, "max_tokens": 12, "seed": 5}
    plain = [choice.text for choice in client.completions.create(**ask).choices]  # type: ignore[call-overload]
    texts, ended = ["", "", ""], 0
    for packet in client.completions.create(**ask, stream=True):  # type: ignore[call-overload]
        texts[packet.choices[0].index] += packet.choices[0].text
        ended += packet.choices[0].finish_reason is not None
    assert (texts, ended) == (plain, 3)


@pytest.mark.parametrize("top_p", [0.0, 1e-30])
def test_the_narrowest_choice_is_the_likeliest_token(client: OpenAI, top_p: float) -> None:
    ask: dict[str, Any] = {"model": "starter:base", "prompt": "import ", "max_tokens": 8}
    greedy = client.completions.create(**ask, temperature=0).choices[0].text
    assert client.completions.create(**ask, temperature=1, top_p=top_p).choices[0].text == greedy


def test_errors_are_read(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="not hosted here"):
        client.completions.create(model="gpt-4", prompt="x")


def test_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()][:2] == ["starter", "starter:base"]


def test_the_script_that_serve_shows(box: Box) -> None:
    shown = {one.name: one.text for one in settings(f"http://127.0.0.1:{box.port}", "starter:base", "box")}
    command = [sys.executable, "-P", "-c", shown["openai · Python"]]
    done = subprocess.run(
        command, env={**os.environ, "NO_PROXY": "*"}, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
