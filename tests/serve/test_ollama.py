"""Ollama's dialect."""

import json
from typing import Any

import pytest

from tests.serve.serving_box import Box

ASK: dict[str, Any] = {
    "model": "starter:base",
    "prompt": "def area(width, height):\n    return ",
    "suffix": "\n\n\nprint(area(2, 3))\n",
    "options": {"temperature": 0, "num_predict": 12, "num_ctx": 2048},
}


def expected(box: Box) -> str:
    asked = {name: ASK[name] for name in ("model", "prompt", "suffix")}
    return str(box.complete(**asked, max_tokens=12)["choices"][0]["text"])


def test_lines_come_until_it_is_done(box: Box) -> None:
    status, text = box.ask("POST", "/api/generate", ASK)
    pieces = [json.loads(line) for line in text.splitlines()]
    assert status == 200
    assert "".join(piece["response"] for piece in pieces) == expected(box)
    assert [piece["done"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1]["done_reason"] in ("stop", "length") and pieces[-1]["eval_count"] > 0


def test_in_one_piece(box: Box) -> None:
    status, text = box.ask("POST", "/api/generate", {**ASK, "stream": False, "keep_alive": "5m", "raw": True})
    answer = json.loads(text)
    assert (status, answer["response"], answer["done"]) == (200, expected(box), True)
    assert answer["prompt_eval_count"] > 10 and answer["total_duration"] > 0


def test_without_a_prompt_the_model_is_only_loaded(box: Box) -> None:
    answer = json.loads(box.ask("POST", "/api/generate", {"model": "starter", "stream": False})[1])
    assert (answer["response"], answer["done_reason"]) == ("", "load")


def test_what_there_is(box: Box) -> None:
    box.complete(prompt="x", max_tokens=1)
    listed = [one["name"] for one in json.loads(box.ask("GET", "/api/tags")[1])["models"]]
    assert listed[:3] == ["starter:latest", "starter:base", "starter:sign:1"]
    assert [one["name"] for one in json.loads(box.ask("GET", "/api/ps")[1])["models"]] == ["starter:latest"]
    for name in ({"model": "starter:latest"}, {"name": "starter"}):
        told = json.loads(box.ask("POST", "/api/show", name)[1])
        assert "insert" in told["capabilities"] and told["model_info"]["starter.context_length"] == 2048
    assert json.loads(box.ask("GET", "/api/version")[1])["version"]


def test_errors_are_a_sentence(box: Box) -> None:
    for path, body, expected_status in (
        ("/api/generate", {"model": "qwen2.5-coder:1.5b", "prompt": "x"}, 404),
        ("/api/generate", {"prompt": "x"}, 400),
        ("/api/generate", {**ASK, "options": {"temperature": "hot"}}, 400),
        ("/api/show", {}, 400),
        ("/api/show", {"model": "none"}, 404),
        ("/api/pull", {"model": "none"}, 404),
    ):
        status, text = box.ask("POST", path, body)
        assert status == expected_status
        assert isinstance(json.loads(text)["error"], str)


@pytest.mark.parametrize("tokens", [-1, -2])
def test_no_limit_ends_at_the_context(box: Box, tokens: int) -> None:
    options = {"temperature": 0, "num_predict": tokens, "stop": ["\n"]}
    status, text = box.ask("POST", "/api/generate", {**ASK, "stream": False, "options": options})
    assert status == 200 and "\n" not in json.loads(text)["response"]


def test_who_has_no_key_is_told_as_ollamas_clients_read_it(box: Box) -> None:
    status, text = box.ask("GET", "/api/tags", headers={"Origin": "https://attacker.example"})
    assert status == 401 and isinstance(json.loads(text)["error"], str)
