"""The control API of a real engine on its unix socket: answers, errors in one shape, and events that resume."""

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.engine_box import Box


@pytest.fixture(scope="module")
def http(box: Box) -> Iterator[httpx.Client]:
    box.ok("engine", "start")
    transport = httpx.HTTPTransport(uds=str(box.home / "engine.sock"))
    with httpx.Client(base_url="http://engine", transport=transport, timeout=20, trust_env=False) as client:
        yield client


def read(http: httpx.Client, count: int, after: int | None = None) -> list[tuple[int, str]]:
    """The first events of a stream."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    found: list[tuple[int, str]] = []
    with http.stream("GET", "/events", headers=headers) as answer:
        id_ = 0
        for line in answer.iter_lines():
            if line.startswith("id: "):
                id_ = int(line[4:])
            elif line.startswith("event: "):
                found.append((id_, line[7:]))
                if len(found) == count:
                    break
    return found


def add(http: httpx.Client, name: str, what: str) -> None:
    assert http.post("/sources", json={"what": what, "name": name}).status_code == 200


def test_the_state_says_where_its_events_begin(http: httpx.Client, tmp_path: Any) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    last = http.get("/state").json()["last_event_id"]
    add(http, "first", str(tmp_path / "a.py"))
    events = read(http, 3, after=last)
    assert [id_ for id_, _ in events] == [last + 1, last + 2, last + 3]
    assert {"job", "source"} <= {kind for _, kind in events}
    # A reader that was cut off after the first gets the others, once each.
    assert read(http, 2, after=last + 1) == events[1:]


def test_a_reader_of_another_engine_is_told_to_begin_anew(http: httpx.Client) -> None:
    assert read(http, 1, after=5)[0][1] == "reset"


def test_a_reader_that_waits_gets_what_happens(http: httpx.Client, tmp_path: Any) -> None:
    (tmp_path / "b.py").write_text("b = 1\n")
    last = http.get("/state").json()["last_event_id"]
    got: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: got.extend(read(http, 2, after=last)))
    thread.start()
    add(http, "second", str(tmp_path / "b.py"))
    thread.join(20)
    assert [id_ for id_, _ in got] == [last + 1, last + 2]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/sources/nobody", None, 404),
        ("POST", "/sources", {"what": 3}, 400),
        ("POST", "/sources", None, 400),
        ("POST", "/sources", {"what": "relative/path"}, 400),
        ("POST", "/train/runs", {"steps": "many"}, 400),
        ("GET", "/train/runs/nobody/metrics", None, 404),
        ("GET", "/train/runs/nobody/files", None, 404),
        ("GET", "/train/runs/nobody/files?limit=0", None, 400),
        ("GET", "/train/runs/nobody/files/abc", None, 404),
        ("GET", "/train/runs/nobody/places", None, 404),
        ("GET", "/train/runs/nobody/places?count=0", None, 400),
        ("GET", "/scan/files?limit=x", None, 400),
        ("GET", "/scan/files?limit=0", None, 400),
        ("GET", "/scan/files/999999", None, 404),
        ("POST", "/jobs/999999/stop", None, 404),
        ("POST", "/use", {"mode": "specific"}, 400),
        ("POST", "/complete", {"prefix": "x", "max_tokens": 0}, 400),
        ("PUT", "/sources", None, 405),
        ("POST", "/keys", {"name": "a b"}, 400),
        ("POST", "/keys", {"name": "ann", "concurrent": 0}, 400),
        ("DELETE", "/keys/nobody", None, 404),
        ("POST", "/settings/colour", {"value": "blue"}, 404),
        ("POST", "/settings/port", {"value": "http"}, 400),
        ("POST", "/settings/host", {"value": "203.0.113.9"}, 400),
        ("GET", "/log?level=loud", None, 400),
        ("GET", "/stats?days=x", None, 400),
        ("GET", "/stats?days=0", None, 400),
        ("GET", "/requests?limit=x", None, 400),
    ],
)
def test_every_error_is_a_sentence_in_one_shape(
    http: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    answer = http.request(method, path, json=body) if body is not None else http.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"} and len(error["message"]) > 8


def test_two_apps_on_two_sockets(http: httpx.Client, box: Box) -> None:
    """What exposes completions never exposes control, nor the other way round."""
    with httpx.Client(base_url=f"http://127.0.0.1:{box.port}", trust_env=False) as public:
        for path in ("/state", "/sources", "/engine/stop", "/events"):
            assert public.get(path).status_code == 404
    assert http.post("/v1/completions", json={"prompt": "x"}).status_code == 404
