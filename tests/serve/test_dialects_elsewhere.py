"""Models elsewhere, asked in every dialect: this box as the other server, and servers that are broken or lie."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serve.chat_model import NAME, host_chat_model
from tests.serve.other_server import answer, events, other_server
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

PREFIX, SUFFIX = "def area(width, height):\n    return ", "\n\n\nprint(area(2, 3))\n"
AROUND = {"prompt": PREFIX, "suffix": SUFFIX, "max_tokens": 12, "temperature": 0}
OLLAMA = {"prompt": PREFIX, "suffix": SUFFIX, "options": {"temperature": 0, "num_predict": 12}}
INFILL = {"input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 12, "temperature": 0}
ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "tabby": ("/v1/completions", {"segments": {"prefix": PREFIX, "suffix": SUFFIX}, "temperature": 0}),
    "infill": ("/infill", INFILL),
    "infill, streamed": ("/infill", {**INFILL, "stream": True}),
    "completion": ("/completion", {"prompt": PREFIX, "n_predict": 12, "temperature": 0}),
    "mistral": ("/v1/fim/completions", AROUND),
    "mistral, streamed": ("/v1/fim/completions", {**AROUND, "stream": True}),
    "ollama": ("/api/generate", {**OLLAMA, "stream": False}),
    "ollama, streamed": ("/api/generate", OLLAMA),
}
STREAMED = [name for name in ASKS if name.endswith("streamed")]


def name_server(box: Box, url: str, more: str = "") -> None:
    box.paths.upstreams_toml.write_text(f'[there]\nurl = "{url}"\nmodels = ["starter", "m:1.5b"]\n{more}\n')


@pytest.fixture
def itself(box: Box) -> Iterator[Box]:
    """The box as its own other server."""
    name_server(box, f"http://127.0.0.1:{box.port}/v1")
    yield box
    box.paths.upstreams_toml.unlink()


def ask(box: Box, name: str, model: str = "there/starter") -> tuple[int, str]:
    path, body = ASKS[name]
    return box.ask("POST", path, {**body, "model": model})


def said(text: str) -> str:
    """The text of an answer in any dialect, whole or streamed."""
    pieces = []
    for line in text.splitlines():
        data = line.removeprefix("data: ")
        if not data or data == "[DONE]":
            continue
        told = json.loads(data)
        told = told["choices"][0] if "choices" in told else told
        told = told.get("message") or told.get("delta") or told
        pieces.append(next(told[key] for key in ("text", "content", "response") if key in told))
    return "".join(pieces)


@pytest.mark.parametrize("name", ASKS)
def test_an_answer_is_the_other_servers_in_the_dialects_shape(itself: Box, name: str) -> None:
    direct, through = (ask(itself, name, model) for model in ("starter", "there/starter"))
    assert direct[0] == through[0] == 200
    assert said(through[1]) == said(direct[1]) != ""
    assert json.loads(through[1].splitlines()[0].removeprefix("data: "))["model"] == "there/starter"


def test_a_conversation_in_ollamas_form(itself: Box, tmp_path: Path) -> None:
    host_chat_model(itself, tmp_path / NAME)
    body = {"messages": [{"role": "user", "content": "hello"}], "options": {"temperature": 0, "num_predict": 6}}
    for stream in (True, False):
        direct, through = (
            itself.ask("POST", "/api/chat", {**body, "model": model, "stream": stream})[1]
            for model in (NAME, f"there/{NAME}:latest")
        )
        assert said(through) == said(direct) != ""
    # A server of which only chat is expected takes a prompt for a question.
    asked = {"prompt": "hello", "stream": False, "options": body["options"]}
    question = itself.ask("POST", "/api/generate", {**asked, "model": f"there/{NAME}"})[1]
    assert json.loads(question)["response"] == said(through)
    assert itself.ask("POST", "/api/chat", {"model": "there/starter", "messages": []})[0] == 200
    itself.call(itself.ctx.hosts.give_up(NAME))


TOLD = {"choices": [{"index": 0, "text": "width * height", "finish_reason": "stop"}], "usage": {"prompt_tokens": 7}}
WHOLE = answer(json.dumps(TOLD).encode())
QWEN = f"<|fim_prefix|>{PREFIX}<|fim_suffix|>{SUFFIX}<|fim_middle|>"
MARKED = f"<fim_prefix>{PREFIX}<fim_suffix>{SUFFIX}<fim_middle>"


def event(text: Any, end: str | None = None) -> bytes:
    return json.dumps({"choices": [{"index": 0, "text": text, "finish_reason": end}]}).encode()


def sent(request: bytes) -> tuple[str, dict[str, Any]]:
    """Route and body of a request that a server got."""
    head, _, body = request.partition(b"\r\n\r\n")
    return head.split()[1].decode(), json.loads(body)


@pytest.mark.parametrize(
    ("fim", "route", "fields"),
    [
        ("suffix", "/v1/completions", {"prompt": PREFIX, "suffix": SUFFIX}),
        ("mistral", "/v1/fim/completions", {"prompt": PREFIX, "suffix": SUFFIX}),
        ("qwen2.5-coder", "/v1/completions", {"prompt": QWEN}),
    ],
)
@pytest.mark.parametrize("name", ["tabby", "ollama", "mistral", "refact"])
def test_what_goes_out_is_as_the_server_reads_it(
    box: Box, fim: str, route: str, fields: dict[str, str], name: str
) -> None:
    with other_server(WHOLE) as server:
        name_server(box, server.url, f'fim = "{fim}"\ncompletion = true')
        if name == "refact":
            body = {"prompt": MARKED, "max_completion_tokens": 9, "model": "there/m:1.5b"}
            status, text = box.ask("POST", "/v1/completions", body)
        else:
            status, text = ask(box, name, "there/m:1.5b")
    assert (status, said(text)) == (200, "width * height")
    path, body = sent(server.asked[0])
    assert (path, body["model"]) == (route, "m:1.5b")
    assert {key: body[key] for key in ("prompt", "suffix") if key in body} == fields
    assert body.get("stop", ["\n\n"]) == ["\n\n"] and body["max_tokens"] in (9, 12, 64)


def test_a_long_text_is_cut_far_from_the_cursor(box: Box) -> None:
    with other_server(events(event("a", "stop"))) as server:
        name_server(box, server.url, "context = 100")
        body = {**INFILL, "input_prefix": "far" * 500 + "near", "input_suffix": "near" + "far" * 500}
        status, text = box.ask("POST", "/infill", {**body, "model": "there/m"})
    asked = sent(server.asked[0])[1]
    assert status == 200 and json.loads(text)["truncated"] is True
    assert asked["prompt"].endswith("near") and asked["suffix"].startswith("near")
    assert len(asked["prompt"] + asked["suffix"]) <= 300


DEEP = b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD: dict[str, tuple[list[bytes], int]] = {
    "fails": (answer(b"<html>\x00\xff</html>", "500 Oops", "text/html"), 502),
    "fails at length": (answer(b"x" * 100_000, "500 Oops"), 502),
    "refuses": (answer(b'{"error": {"message": "this is a chat model"}}', "404 No"), 400),
    "busy": (answer(b"{}", "429 Busy"), 503),
    "nothing": ([b""], 502),
    "another shape": (answer(b'{"choices": [{"text": 7}]}'), 502),
    "choices of nothing": (answer(b'{"choices": []}'), 502),
    "an error that is no error": (answer(b'{"error": {"message": "no"}}'), 502),
    "bottomless": (answer(DEEP), 502),
    "says more than comes": ([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{}"], 502),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_server_is_an_error_as_each_dialect_reads_it(box: Box, bad: str) -> None:
    pieces, expected = BAD[bad]
    with other_server(pieces) as server:
        name_server(box, server.url)
        for name in ASKS:
            status, text = ask(box, name)
            assert status == expected, (name, text)
            told = json.loads(text)
            assert isinstance(told["error"] if "ollama" in name else told["error"]["message"], str)
    assert not box.ctx.hosts.elsewhere.under_way


@pytest.mark.parametrize("name", STREAMED)
@pytest.mark.parametrize("then", [[], [b"{"], [event(7)], [b'{"error": {"message": "out of memory"}}']])
def test_a_stream_that_breaks_ends_with_an_error(box: Box, name: str, then: list[bytes]) -> None:
    with other_server(events(event("a"), *then)) as server:
        name_server(box, server.url)
        status, text = ask(box, name)
    last = json.loads(text.strip().splitlines()[-1].removeprefix("data: "))
    assert status == 200 and "error" in last and "[DONE]" not in text
    assert "there" in json.dumps(last["error"])


def test_what_a_server_says_beyond_what_was_asked_is_not_passed_on(box: Box) -> None:
    endless = events(*(event("x" * 1000) for _ in range(100)), b"[DONE]")
    lie = json.dumps({**TOLD, "usage": {"prompt_tokens": -1, "completion_tokens": 10**30}}).encode()
    with other_server(endless) as server:
        name_server(box, server.url)
        status, text = box.ask("POST", "/infill", {**INFILL, "stream": True, "n_predict": 2, "model": "there/m"})
    last = json.loads(text.strip().splitlines()[-1].removeprefix("data: "))
    assert (status, last["stop_type"], len(said(text))) == (200, "limit", 512)
    with other_server(answer(lie)) as server:
        name_server(box, server.url)
        told = json.loads(ask(box, "ollama")[1])
    assert (told["prompt_eval_count"], told["eval_count"], told["done_reason"]) == (0, 1, "stop")
    with other_server(events(event("return"), event(" 1\n"), event("\nx"), b"[DONE]")) as server:
        name_server(box, server.url)
        body = {**INFILL, "stream": True, "stop": ["\n\n", "a", "b", "c", "d"], "model": "there/m"}
        text = box.ask("POST", "/infill", body)[1]
    last = json.loads(text.strip().splitlines()[-1].removeprefix("data: "))
    assert (said(text), last["stopping_word"]) == ("return 1", "\n\n")
    assert sent(server.asked[0])[1]["stop"] == ["\n\n", "a", "b", "c"]


@pytest.mark.parametrize("path", ["/infill", "/api/generate"])
def test_leaving_hangs_up_on_the_other_server(itself: Box, path: str) -> None:
    itself.complete(prompt="x", max_tokens=1)
    for stream in (True, False):
        asked = {"input_prefix": "import ", "prompt": "import ", "n_predict": 1900, "options": {"num_predict": 1900}}
        body = json.dumps({**asked, "model": "there/starter", "stream": stream, "raw": True})
        with socket.create_connection(("127.0.0.1", itself.port)) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            until(lambda: itself.host.waiting == 1)
        until(lambda: not itself.host.waiting and not itself.ctx.hosts.elsewhere.under_way)


def test_lists_of_every_dialect_tell_of_it(itself: Box) -> None:
    name_server(itself, f"http://127.0.0.1:{itself.port}/v1", "completion = true\ncontext = 4096")
    tags = {one["name"]: one for one in json.loads(itself.ask("GET", "/api/tags")[1])["models"]}
    assert tags["there/starter:latest"]["remote_model"] == "starter" and "there/m:1.5b" in tags
    assert "remote_host" not in tags["starter:latest"]
    shown = json.loads(itself.ask("POST", "/api/show", {"model": "there/starter:latest"})[1])
    assert shown["capabilities"] == ["completion", "insert", "chat"] and shown["remote_host"]
    caps = json.loads(itself.ask("GET", "/refact-caps")[1])
    offered = caps["completion"]["models"]
    assert offered["there/starter"]["n_ctx"] == 4096 and caps["completion"]["default_model"] == "starter"
    marks = offered["there/starter"]["supports_scratchpads"]["FIM-PSM"]
    assert marks["fim_prefix"] == "<fim_prefix>"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"model": "there/m", "x": ' + b"[" * 100_000])
def test_a_bottomless_question_is_refused(itself: Box, body: bytes) -> None:
    for path in {path for path, _ in ASKS.values()}:
        assert itself.ask("POST", path, body)[0] == 400


@pytest.mark.parametrize("more", ['fim = "guess"', "context = 0"])
def test_a_server_described_wrongly_is_refused_in_words(box: Box, more: str) -> None:
    name_server(box, "http://127.0.0.1:1/v1", more)
    status, text = ask(box, "tabby")
    assert status == 400 and "upstreams.toml" in json.loads(text)["detail"]
    box.paths.upstreams_toml.unlink()
