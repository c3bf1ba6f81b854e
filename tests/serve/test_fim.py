"""Mistral's way to ask for a middle."""

import json
from typing import Any

import pytest

from tests.serve.serving_box import Box

ASK: dict[str, Any] = {
    "model": "starter:base",
    "prompt": "def area(width, height):\n    return ",
    "suffix": "\n\n\nprint(area(2, 3))\n",
    "temperature": 0,
    "max_tokens": 12,
}


def test_the_middle_is_a_message(box: Box) -> None:
    status, text = box.ask("POST", "/v1/fim/completions", {**ASK, "random_seed": 1, "min_tokens": 0})
    answer = json.loads(text)
    (choice,) = answer["choices"]
    assert status == 200
    assert choice["message"] == {"role": "assistant", "content": box.complete(**ASK)["choices"][0]["text"]}
    assert choice["finish_reason"] in ("stop", "length")
    assert answer["usage"]["completion_tokens"] > 0 and answer["model"] == "starter"


def test_a_stream_of_deltas(box: Box) -> None:
    status, text = box.ask("POST", "/v1/fim/completions", {**ASK, "stream": True})
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert status == 200 and events[-1] == "[DONE]"
    pieces = [json.loads(event) for event in events[:-1]]
    said = "".join(piece["choices"][0]["delta"]["content"] for piece in pieces)
    assert said == box.complete(**ASK)["choices"][0]["text"]
    assert pieces[-1]["choices"][0]["finish_reason"] and pieces[-1]["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("change", [{"prompt": 3}, {"max_tokens": 0}, {"model": "codestral-latest"}, {"stop": 1}])
def test_wrong_bodies_are_refused_in_words(box: Box, change: dict[str, Any]) -> None:
    status, text = box.ask("POST", "/v1/fim/completions", {**ASK, **change})
    assert status == 400 and json.loads(text)["error"]["message"]


def test_deepseeks_way_is_openais(box: Box) -> None:
    status, text = box.ask("POST", "/beta/completions", ASK)
    assert status == 200
    assert json.loads(text)["choices"][0]["text"] == box.complete(**ASK)["choices"][0]["text"]
