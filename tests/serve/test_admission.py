"""What is too much is told before it is read, and bodies that never come hold no place."""

import http.client
import json
import socket
import threading
from contextlib import closing

import pytest

from backend.serve import admission
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

LONG = {"prompt": "x", "max_tokens": 300, "temperature": 0, "model": "starter:base"}


def announced(box: Box, size: int, body: bytes = b"") -> tuple[int, dict[str, str], str]:
    """The answer to a request of which only the head has come, and as much of its body as is given."""
    head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", box.port), timeout=60) as connection:
        connection.sendall(head.encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, dict(answer.getheaders()), answer.read().decode()


def test_the_excess_is_told_before_its_body_has_come(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "AT_ONCE", 2)
    codes: list[int] = []
    asks = [
        threading.Thread(target=lambda: codes.append(box.ask("POST", "/v1/completions", LONG)[0])) for _ in range(2)
    ]
    for ask in asks:
        ask.start()
    until(lambda: box.host.waiting == 2)
    status, headers, text = announced(box, 1_900_000)
    assert (status, headers["retry-after"]) == (503, "1")
    assert "2 requests are being answered already" in json.loads(text)["detail"]
    assert box.ask("GET", "/health")[0] == box.ask("POST", "/stats/telemetry-basic", {})[0] == 200
    for ask in asks:
        ask.join(60)
    assert codes == [200, 200]
    assert box.ask("POST", "/v1/completions", {**LONG, "max_tokens": 2})[0] == 200


def test_a_body_that_never_comes_holds_no_place(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "BODY_S", 0.3)
    monkeypatch.setattr(admission, "AT_ONCE", 1)
    status, _, text = announced(box, 5000, b'{"prompt": "')
    assert status == 408 and "did not come within 0.3 s" in json.loads(text)["detail"]
    assert box.ask("POST", "/v1/completions", {**LONG, "max_tokens": 2})[0] == 200


def test_an_answer_may_take_longer_than_a_body(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "BODY_S", 0.05)
    assert box.ask("POST", "/v1/completions", LONG)[0] == 200


def test_who_leaves_while_sending_is_no_fault(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with closing(socket.create_connection(("127.0.0.1", box.port))) as connection:
            connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n{")
    assert box.ask("POST", "/v1/completions", {**LONG, "max_tokens": 2})[0] == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
