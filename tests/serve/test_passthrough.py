"""Models elsewhere: this box itself as the other server, and servers that are slow, broken or lie."""

import gzip
import itertools
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from backend.errors import BadRequest
from backend.serve import passthrough, upstream, upstreams
from backend.sources.credentials import keep_token
from tests.serve.chat_model import NAME, host_chat_model
from tests.serve.other_server import answer, events, other_server
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

KEY = "sk-very-secret-0123456789"
ASK: dict[str, Any] = {"prompt": "import ", "max_tokens": 8, "temperature": 0}


@pytest.fixture(scope="module", autouse=True)
def credential(box: Box) -> None:
    """A token; who uses credentials is told to nobody here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.sources.credentials.publish", _nothing)
        box.call(keep_token(box.ctx, "elsewhere", KEY))


async def _nothing(ctx: Any) -> None:
    pass


def name_server(box: Box, url: str, more: str = 'models = ["starter", "m"]') -> None:
    text = f'[there]\nurl = "{url}"\ncredential = "elsewhere"\n{more}\n'
    box.paths.upstreams_toml.write_text(text)


@pytest.fixture
def itself(box: Box) -> Iterator[Box]:
    """The box as its own other server."""
    name_server(box, f"http://127.0.0.1:{box.port}/v1")
    yield box
    box.paths.upstreams_toml.unlink()


def ask(box: Box, stream: bool = False, model: str = "there/m") -> tuple[int, str]:
    return box.ask("POST", "/v1/completions", {**ASK, "model": model, "stream": stream})


def test_what_comes_through_is_what_the_other_server_says(itself: Box) -> None:
    direct = itself.complete(**ASK, model="starter")
    status, text = ask(itself, model="there/starter")
    through = json.loads(text)
    assert status == 200 and through["choices"] == direct["choices"]
    assert through["model"] == "there/starter"
    with OpenAI(base_url=f"http://127.0.0.1:{itself.port}/v1", api_key="none", max_retries=0) as client:
        stream = client.completions.create(**{**ASK, "model": "there/starter"}, stream=True)
        assert "".join(piece.choices[0].text for piece in stream) == direct["choices"][0]["text"]
    refact = {"prompt": "import ", "max_completion_tokens": 8, "temperature": 0, "model": "there/starter"}
    assert json.loads(itself.ask("POST", "/v1/completions", refact)[1])["choices"] == direct["choices"]


def test_chat_goes_through_too(itself: Box, tmp_path: Path) -> None:
    host_chat_model(itself, tmp_path / NAME)
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 6, "temperature": 0}
    direct = json.loads(itself.ask("POST", "/v1/chat/completions", {**body, "model": NAME})[1])
    through = json.loads(itself.ask("POST", "/v1/chat/completions", {**body, "model": f"there/{NAME}"})[1])
    assert through["choices"] == direct["choices"]
    itself.call(itself.ctx.hosts.give_up(NAME))


@pytest.mark.parametrize("stream", [False, True])
def test_middles_go_through_too(itself: Box, stream: bool) -> None:
    body = {"prompt": "def f(a):\n", "suffix": "\n\n\nf(1)\n", "max_tokens": 6, "temperature": 0, "stream": stream}
    direct, through = (
        itself.ask("POST", "/v1/fim/completions", {**body, "model": model})[1] for model in ("starter", "there/starter")
    )
    kind = "delta" if stream else "message"
    said = [
        "".join(
            json.loads(piece.removeprefix("data: "))["choices"][0][kind]["content"]
            for piece in text.split("\n\n")
            if "content" in piece
        )
        for text in (direct, through)
    ]
    assert said[0] == said[1] != ""


def test_lists_say_that_it_leaves_the_box(itself: Box) -> None:
    name_server(itself, f"http://127.0.0.1:{itself.port}/v1", "context = 4096")
    listed: dict[str, Any] = {}

    def there() -> bool:
        listed.update({one["id"]: one for one in json.loads(itself.ask("GET", "/v1/models")[1])["data"]})
        return "there/starter" in listed

    until(there)
    assert (listed["there/starter"]["leaves_box"], listed["there/starter"]["owned_by"]) == (True, "there")
    assert listed["starter"]["leaves_box"] is False
    text = itself.ask("GET", "/refact-caps")[1]
    caps = json.loads(text)
    assert caps["chat"]["models"]["there/starter"]["n_ctx"] == 4096
    assert "there/starter" in caps["tokenizer_endpoints"] and "there/starter" in caps["running_models"]
    assert "there/starter" not in caps["completion"]["models"]
    assert KEY not in text + json.dumps(listed)


def test_leaving_hangs_up_on_the_other_server(itself: Box) -> None:
    itself.complete(prompt="x", max_tokens=1)
    for stream in (True, False):
        body = json.dumps({"prompt": "import ", "max_tokens": 1900, "model": "there/starter", "stream": stream})
        with socket.create_connection(("127.0.0.1", itself.port)) as connection:
            head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            connection.sendall(head.encode())
            until(lambda: itself.host.waiting == 1)
        until(lambda: not itself.host.waiting and not itself.ctx.hosts.elsewhere.under_way)


GOOD = b'{"choices": [{"index": 0, "text": "a", "finish_reason": null}]}'
BOMB = gzip.compress(bytes(10_000_000))
BAD: dict[str, tuple[list[bytes], int]] = {
    "our key is refused": (answer(b'{"error": {"message": "bad key ' + KEY.encode() + b'"}}', "401 No"), 502),
    "busy": (answer(b'{"error": "slow down"}', "429 Busy"), 503),
    "refuses": (answer(b'{"error": {"message": "no \\u001b[31m such ' + KEY.encode() + b'"}}', "400 No"), 400),
    "fails": (answer(b"<html>\x00\xff</html>", "500 Oops", "text/html"), 502),
    "sends elsewhere": (answer(b"", "302 Found", more="Location: http://127.0.0.1:1/\r\n"), 502),
    "packs": (answer(BOMB, more="Content-Encoding: gzip\r\n"), 502),
    "no json": (answer(b"{"), 502),
    "no object": (answer(b"[1]"), 502),
    "no http": ([b"SSH-2.0-OpenSSH_9.2\r\n"], 502),
    "nothing": ([b""], 502),
    "says more than comes": ([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{}"], 502),
    "no stream": (answer(b'{"choices": []}'), 502),
    "an endless head": ([b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000], 502),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_server_is_an_error_in_words(box: Box, name: str) -> None:
    pieces, expected = BAD[name]
    with other_server(pieces) as server:
        name_server(box, server.url)
        for stream in (True, False):
            if name == "no stream" and not stream:
                continue
            status, text = ask(box, stream)
            assert status == expected, text
            assert isinstance(json.loads(text)["detail"], str)
            assert KEY not in text and "\x1b" not in text and "\\u001b" not in text
        assert all(KEY.encode() in request for request in server.asked)
    box.paths.upstreams_toml.unlink()
    assert box.complete(**ASK)["choices"][0]["text"]


@pytest.mark.parametrize(
    "pieces",
    [
        events(GOOD, GOOD),
        events(GOOD, b"{"),
        events(GOOD, b"[1]"),
        [*events(GOOD), b"data: " + b"x" * 2_000_000],
        [*events(GOOD, more="Transfer-Encoding: chunked\r\n")],
    ],
)
def test_a_stream_that_breaks_ends_with_an_error(box: Box, pieces: list[bytes]) -> None:
    with other_server(pieces) as server:
        name_server(box, server.url)
        status, text = ask(box, True)
        assert status in (200, 502) and '"error"' in text and "[DONE]" not in text
    assert not box.ctx.hosts.elsewhere.under_way


def test_empty_pieces_reach_no_editor_and_the_key_comes_back_to_nobody(box: Box) -> None:
    empty = b'{"choices": [{"index": 0, "text": "", "finish_reason": null}]}'
    told = b'{"choices": [{"index": 0, "text": "' + KEY.encode() + b'", "finish_reason": "stop"}]}'
    with other_server(events(empty, GOOD, empty, told, b"[DONE]")) as server:
        name_server(box, server.url)
        status, text = ask(box, True)
    assert status == 200 and text.count("data: ") == 3 and text.endswith("[DONE]\n\n")
    assert KEY not in text
    with other_server(events(empty, b"[DONE]")) as server:
        name_server(box, server.url)
        assert ask(box, True)[0] == 502


def test_slow_servers_are_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "SILENCE", httpx.Timeout(0.3))
    with other_server([b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"], pause=30) as server:
        name_server(box, server.url)
        for stream in (True, False):
            status, text = ask(box, stream)
            assert status == 502 and "in time" in text
    monkeypatch.setattr(upstream, "SILENCE", httpx.Timeout(5))
    monkeypatch.setattr(upstream, "LONGEST_S", 0.5)
    drops = itertools.chain(events(GOOD), itertools.repeat(b": still here\n"))
    with other_server(drops, pause=0.05) as server:
        name_server(box, server.url)
        status, text = ask(box, True)
        assert status == 200 and "takes longer" in text and "[DONE]" not in text


def test_too_many_at_once_are_told_to_come_back(itself: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passthrough, "AT_ONCE", 0)
    status, _ = ask(itself, model="there/starter")
    assert status == 503


def test_a_slow_list_holds_nobody_up(box: Box) -> None:
    with other_server([b""], pause=60) as server:
        name_server(box, server.url, "")
        began = time.monotonic()
        assert box.ask("GET", "/refact-caps")[0] == 200
        assert time.monotonic() - began < 30
    box.paths.upstreams_toml.unlink()


@pytest.mark.parametrize(
    "text",
    [
        "[",
        '[a]\nurl = "ftp://x"',
        '[a]\nurl = "http://user:pass@x/v1"',
        '[a]\nurl = "http://example.org/v1"\ncredential = "k"',
        '["a/b"]\nurl = "http://x/v1"',
        '[a]\nurl = "http://x/v1"\nkey = "sk-1"',
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "upstreams.toml"
    path.write_text(text)
    with pytest.raises(BadRequest, match="cannot be used"):
        upstreams.read(path)
