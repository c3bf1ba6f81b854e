"""OpenAI's chat over a model with a template, and the refusal of those without one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from backend.models.catalog import ModelInfo
from backend.models.chat_template import render
from backend.serve.chat import laid_out
from tests.serve.chat_model import NAME, host_chat_model
from tests.serve.serving_box import Box

TALK: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "def add(a, b):"}, {"type": "text", "text": "\n"}]},
]
ASK: Any = {"model": NAME, "messages": TALK, "temperature": 0, "max_tokens": 16}


@pytest.fixture(scope="module")
def talker(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelInfo]:
    yield host_chat_model(box, tmp_path_factory.mktemp("chat") / NAME)
    box.call(box.ctx.hosts.give_up(NAME))


@pytest.fixture
def client(box: Box, talker: ModelInfo) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"http://127.0.0.1:{box.port}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_plain_and_stream_say_the_same(client: OpenAI) -> None:
    plain = client.chat.completions.create(**ASK)
    said = plain.choices[0].message
    assert said.role == "assistant" and said.content
    assert plain.usage and plain.usage.completion_tokens <= 16
    stream = list(client.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True}))
    assert "".join(piece.choices[0].delta.content or "" for piece in stream[:-1]) == said.content
    assert stream[0].choices[0].delta.role == "assistant"
    assert stream[-2].choices[0].finish_reason == plain.choices[0].finish_reason
    assert stream[-1].choices == [] and stream[-1].usage == plain.usage


def test_without_a_name_the_first_that_chats_answers(client: OpenAI, box: Box) -> None:
    status, text = box.ask("POST", "/v1/chat/completions", {**ASK, "model": None})
    assert status == 200 and json.loads(text)["model"] == NAME


def test_choices_probabilities_and_what_is_ignored(client: OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    answer = client.chat.completions.create(**ASK, n=2, seed=1, logprobs=True, top_logprobs=2, tools=tools)
    assert [choice.index for choice in answer.choices] == [0, 1]
    told = answer.choices[0].logprobs
    assert told and told.content and "".join(one.token for one in told.content) == answer.choices[0].message.content
    assert all(len(one.top_logprobs) == 2 for one in told.content)


def test_a_model_without_a_template_says_so(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="does not chat"):
        client.chat.completions.create(**{**ASK, "model": "starter"})


@pytest.mark.parametrize(
    "change",
    [
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "nobody", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"temperature": 5},
        {"n": 0},
        {"model": "gpt-4o"},
    ],
)
def test_wrong_bodies_are_refused_in_words(client: OpenAI, change: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.chat.completions.create(**{**ASK, **change})
    assert refused.value.body and refused.value.message


def test_a_conversation_that_is_too_long_loses_its_oldest_turns(talker: ModelInfo) -> None:
    turns = [
        {"role": ("user", "assistant")[number % 2], "content": f"turn {number:02} " + "x = 1\n" * 60}
        for number in range(21)
    ]
    talk = [{"role": "system", "content": "frame"}, *turns]
    text = laid_out(talker, talk, 200)
    assert "frame" in text and "turn 20" in text and "turn 00" not in text
    kept = [one for one in talk if one["content"][:7] in text or one["content"] == "frame"]
    assert text == render(talker, kept) and kept[1]["role"] == "user"
    assert laid_out(talker, [talk[0], {"role": "user", "content": "y = 2\n" * 9000}], 200).count("y = 2") == 9000


def test_an_endless_conversation_is_answered(client: OpenAI) -> None:
    long = [{"role": "user", "content": "y = 2\n" * 9000}]
    answer = client.chat.completions.create(**{**ASK, "messages": long})
    assert answer.usage and answer.usage.prompt_tokens == 2048 - 16


def test_lists_tell_who_chats(client: OpenAI, box: Box) -> None:
    listed = json.loads(box.ask("GET", "/v1/models")[1])["data"]
    assert {one["id"]: one["chat"] for one in listed}[NAME] is True
    assert {one["id"]: one["chat"] for one in listed}["starter"] is False
    assert json.loads(box.ask("GET", "/v1/health")[1])["chat_model"] == NAME


def test_ollamas_chat_says_the_same(client: OpenAI, box: Box) -> None:
    said = client.chat.completions.create(**ASK).choices[0].message.content
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "def add(a, b):\n"}]
    body = {"model": NAME + ":latest", "messages": messages, "options": {"temperature": 0, "num_predict": 16}}
    status, text = box.ask("POST", "/api/chat", body)
    pieces = [json.loads(line) for line in text.splitlines()]
    assert status == 200 and "".join(piece["message"]["content"] for piece in pieces) == said
    whole = json.loads(box.ask("POST", "/api/chat", {**body, "stream": False})[1])
    assert whole["message"] == {"role": "assistant", "content": said} and whole["done"]
    assert json.loads(box.ask("POST", "/api/chat", {"model": NAME, "stream": False})[1])["done_reason"] == "load"
    status, text = box.ask("POST", "/api/chat", {**body, "model": "starter"})
    assert status == 400 and "does not chat" in json.loads(text)["error"]
