"""The real refact-lsp, as the PyPI package `refact` ships it, over HTTP and as a language server."""

import json
import socket
import time
from collections.abc import Iterator

import pytest

from backend import wire
from backend.checkpoints import switch
from tests.clients.refact_lsp import CURSOR, TEXT, Refact
from tests.serve.serving_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def refact(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refact]:
    refact = Refact(box, tmp_path_factory.mktemp("refact"))
    refact.until_it_answers()
    box.complete(prompt="x", max_tokens=1)
    yield refact
    refact.editor.close()


def expected(box: Box, model: str, text: str = TEXT) -> str:
    before, _, after = text.partition("\n\n\n")
    answer = box.complete(
        prompt=before, suffix=f"\n\n\n{after}", max_tokens=20, stop=["\n"], model=model, temperature=0.0
    )
    return str(answer["choices"][0]["text"])


def test_it_reads_the_capabilities(refact: Refact) -> None:
    told = json.loads(refact.ask("GET", "/v1/caps")[1])
    assert told["cloud_name"] == "Refact Self-Hosted"
    assert told["code_completion_default_model"] == "starter"
    assert set(told["running_models"]) >= {"starter", "starter:base", "starter:sign:1"}


def test_it_completes_what_the_endpoint_says(refact: Refact, box: Box) -> None:
    box.call(switch.use(box.ctx, wire.Use(mode="off")))
    status, text = refact.complete(False)
    assert status == 200, text
    answer = json.loads(text)
    assert answer["choices"][0]["code_completion"] == expected(box, "starter:base")
    assert answer["choices"][0]["finish_reason"] in ("stop", "length")


def test_it_streams(refact: Refact, box: Box) -> None:
    status, text = refact.complete(True)
    assert status == 200
    packets = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert packets[-1] == "[DONE]", text
    pieces = [json.loads(packet) for packet in packets[:-1]]
    said = "".join(piece["choices"][0].get("code_completion", "") for piece in pieces if piece.get("choices"))
    assert said == expected(box, "starter:base")


def test_it_sees_a_switch_without_a_restart(refact: Refact, box: Box) -> None:
    for name in ("sign:1", "sign:2"):
        box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))
        text = TEXT.replace("area", f"area_{name[-1]}")  # it keeps answers, and knows them by the text
        answer = json.loads(refact.complete(False, text)[1])
        # It samples, and a checkpoint that no training made is sure of little but its first word.
        wanted, other = (expected(box, f"starter:{one}", text)[:5] for one in (name, "base"))
        assert answer["choices"][0]["code_completion"][:5] == wanted != other


def test_a_dropped_request_is_cancelled(refact: Refact, box: Box) -> None:
    answered = box.host.measure.requests
    inputs = {"sources": {"a.py": TEXT}, "cursor": {"file": "a.py", **CURSOR}, "multiline": True}
    parameters = {"temperature": 1.0, "max_new_tokens": 1000}
    body = json.dumps({"inputs": inputs, "parameters": parameters, "model": "", "no_cache": True, "stream": False})
    with socket.create_connection(("127.0.0.1", refact.port)) as connection:
        head = f"POST /v1/code-completion HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        connection.sendall(head.encode())
        deadline = time.monotonic() + 60
        while not box.host.waiting:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    while box.host.waiting:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert box.host.measure.requests <= answered + 1


def test_an_editor_completes_over_the_language_server(refact: Refact, box: Box) -> None:
    box.call(switch.use(box.ctx, wire.Use(mode="off")))
    editor = refact.editor
    editor.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    editor.notify("initialized", {})
    document = {"uri": f"file://{refact.home}/a.py", "languageId": "python", "version": 1, "text": TEXT}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    answer = editor.ask(
        "refact/getCompletions",
        {
            "textDocument": {"uri": document["uri"]},
            "position": CURSOR,
            "parameters": {"temperature": 0.0, "max_new_tokens": 20},
            "multiline": False,
            "no_cache": False,
        },
    )
    assert answer["choices"][0]["code_completion"] == expected(box, "starter:base")


def test_an_unknown_model_is_told_in_words(refact: Refact) -> None:
    status, text = refact.complete(False, model="nothing/such")
    assert status != 200 and "nothing/such" in text
