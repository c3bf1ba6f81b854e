"""OpenAI's own client against the endpoint."""

import pytest
from openai import BadRequestError, OpenAI

from tests.serve.serving_box import Box


@pytest.fixture
def client(box: Box) -> OpenAI:
    return OpenAI(base_url=f"http://127.0.0.1:{box.port}/v1", api_key="none", max_retries=0)


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


def test_errors_are_read(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="not hosted here"):
        client.completions.create(model="gpt-4", prompt="x")


def test_models(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()][:2] == ["starter", "starter:base"]
