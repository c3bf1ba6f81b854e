"""Who may pass the gate, over a real socket and a real database."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from openai import AuthenticationError, OpenAI, RateLimitError
from starlette.datastructures import Headers

from backend import wire
from backend.errors import BadRequest, Conflict, NotFound
from backend.serve import gate
from backend.serve.app import build
from backend.serve.keys import Keys
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

ASK = {"prompt": "x = ", "max_tokens": 2, "temperature": 0}
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def ann(box: Box) -> Iterator[str]:
    """The key of somebody called ann."""
    keys: Keys = box.ctx.hosts.keys
    made = box.call(keys.create(wire.NewApiKey(name="ann")))
    yield made.key
    if any(key.name == "ann" for key in keys.shown()):
        box.call(keys.revoke("ann"))


def bearer(key: str) -> dict[str, str]:
    return {**ELSEWHERE, "Authorization": f"Bearer {key}"}


def status(box: Box, headers: dict[str, str], path: str = "/v1/models") -> int:
    return box.ask("GET", path, headers=headers)[0]


def test_this_box_needs_no_key_and_others_do(box: Box, ann: str) -> None:
    assert status(box, {}) == 200
    code, text = box.ask("POST", "/v1/completions", ASK, ELSEWHERE)
    assert code == 401
    answer = json.loads(text)
    assert "API key is needed" in answer["detail"] and answer["error"]["code"] == "invalid_api_key"
    code, text = box.ask("POST", "/v1/completions", ASK, bearer(ann))
    assert code == 200, text


@pytest.mark.parametrize(
    "headers",
    [
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"Host": "attacker.example"},  # a name that was made to point to 127.0.0.1
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Host": "203.0.113.7:8008"},
    ],
)
def test_strangers_that_come_over_a_loopback_address(box: Box, headers: dict[str, str]) -> None:
    assert status(box, headers) == 401


@pytest.mark.parametrize(
    "headers",
    [{"Host": "localhost:8008"}, {"Host": "gpu-box"}, {"Host": "[::1]:8008"}, {"Origin": "vscode-webview://x"}],
)
def test_this_box_by_any_of_its_names(box: Box, headers: dict[str, str]) -> None:
    assert status(box, headers) == 200


def test_keys_are_taken_where_clients_put_them(box: Box, ann: str) -> None:
    for headers in ({"x-api-key": ann}, {"api-key": ann}, {"Authorization": f"bearer  {ann}"}):
        assert status(box, {**ELSEWHERE, **headers}) == 200
    for headers in ({"Authorization": ann}, {"Authorization": f"Basic {ann}"}, {"x-api-key": ann[:-1]}):
        assert status(box, {**ELSEWHERE, **headers}) == 401


def test_who_is_refused_stands_in_the_log_now_and_then(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    other = gate.Gate(build(box.ctx), box.ctx)
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        other._tell({"path": "/v1/completions\r\n\x1b[2J", "client": (address, 1)})
    other._tell({"path": "/health", "client": ("203.0.113.9", 1)})
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [
        "203.0.113.7",
        "203.0.113.8",
    ]
    assert not any(set(record.getMessage()) & set("\r\n\x1b") for record in caplog.records)
    for number in range(5000):
        other._tell({"path": "/", "client": (str(number), 1)})
    assert len(other._told) <= gate.MOST_TOLD


def test_what_is_public(box: Box, ann: str) -> None:
    """Refact's plug-ins ask for tokenizers without their key, or with another service's."""
    assert status(box, ELSEWHERE, "/tokenizer/starter") == 200
    assert status(box, bearer("hf_other"), "/tokenizer/starter") == 200
    assert json.loads(box.ask("GET", "/health", headers=ELSEWHERE)[1]).keys() == {"status"}
    assert "models" in json.loads(box.ask("GET", "/health", headers=bearer(ann))[1])
    assert status(box, ELSEWHERE, "/v1/health") == status(box, ELSEWHERE, "/refact-caps") == 401


def test_a_revoked_key_is_refused_everywhere_and_an_odd_one_here_is_not(box: Box, ann: str) -> None:
    assert status(box, {"Authorization": f"Bearer {ann}"}) == 200
    box.call(box.ctx.hosts.keys.revoke("ann"))
    assert status(box, bearer(ann)) == status(box, {"Authorization": f"Bearer {ann}"}) == 401
    assert status(box, {"Authorization": "Bearer sk-anything"}) == 200


def test_this_box_can_be_made_to_need_one(box: Box, ann: str) -> None:
    box.ctx.hosts.keys.demanded = True
    try:
        assert (status(box, {}), status(box, {"Authorization": f"Bearer {ann}"})) == (401, 200)
    finally:
        box.ctx.hosts.keys.demanded = False


def test_keys_are_kept_as_digests_and_come_back(box: Box, ann: str) -> None:
    with closing(sqlite3.connect(box.paths.database)) as state:
        state.row_factory = sqlite3.Row
        (row,) = [dict(row) for row in state.execute("SELECT * FROM api_keys")]
    assert row["digest"] == hashlib.sha256(ann.encode()).digest()
    assert ann not in str(row) and ann.startswith(row["hint"]) and len(ann) == 46
    assert ann.encode() not in box.paths.database.read_bytes()
    again = Keys(box.ctx)
    box.call(again.restore())
    found = again.find(ann)
    assert found is not None and found.name == "ann"
    assert again.find(ann + "x") is None and again.find("") is None


def test_the_last_use_is_written_once_a_minute(box: Box, ann: str) -> None:
    keys: Keys = box.ctx.hosts.keys

    def written() -> Any:
        with closing(sqlite3.connect(box.paths.database)) as state:
            return state.execute("SELECT last_used FROM api_keys WHERE name = 'ann'").fetchone()[0]

    assert status(box, bearer(ann)) == 200 and written() is None
    box.call(keys.flush())
    first = written()
    assert first is not None
    assert status(box, bearer(ann)) == 200
    box.call(keys.flush())
    assert written() == first and keys.shown()[0].last_used != first
    box.call(keys.flush(late=True))
    assert written() == keys.shown()[0].last_used


def test_names_and_limits_that_are_none(box: Box, ann: str) -> None:
    keys: Keys = box.ctx.hosts.keys
    for wanted in ({"name": ""}, {"name": "a b"}, {"name": "-x"}, {"name": "b", "concurrent": 0}):
        with pytest.raises(BadRequest):
            box.call(keys.create(wire.NewApiKey(**wanted)))
    with pytest.raises(Conflict):
        box.call(keys.create(wire.NewApiKey(name="ann")))
    with pytest.raises(NotFound) as refused:
        box.call(keys.revoke("bob"))
    assert refused.value.hint == "Keys: ann."


def test_a_key_may_ask_so_often(box: Box) -> None:
    made = box.call(box.ctx.hosts.keys.create(wire.NewApiKey(name="slow", requests_per_minute=2)))
    client = OpenAI(base_url=f"http://127.0.0.1:{box.port}/v1", api_key=made.key, max_retries=0)
    for _ in range(2):
        client.completions.create(model="starter", prompt="x", max_tokens=1)
    for _ in range(5):
        client.models.list()  # asking for names costs nothing
    assert box.ask("POST", "/stats/telemetry-basic", {}, {"Authorization": f"Bearer {made.key}"})[0] == 200
    before = box.call(box.ctx.hosts.statistics.report(1))
    with pytest.raises(RateLimitError, match="2 times a minute") as refused:
        client.completions.create(model="starter", prompt="x", max_tokens=1)
    assert 1 <= int(refused.value.response.headers["Retry-After"]) <= 30
    after = box.call(box.ctx.hosts.statistics.report(1))
    (slow,) = [one for one in after.keys if one.key == "slow"]
    assert (slow.requests, slow.refused) == (3, 1) and after.total.refused == before.total.refused + 1
    assert after.checkpoints == before.checkpoints
    newest = box.ctx.hosts.statistics.recent.list(1)[0]
    assert (newest.key, newest.model, newest.outcome) == ("slow", "", "refused")
    box.call(box.ctx.hosts.keys.revoke("slow"))
    with pytest.raises(AuthenticationError, match="revoked"):
        client.completions.create(model="starter", prompt="x", max_tokens=1)


def test_a_key_may_have_so_many_under_way(box: Box) -> None:
    made = box.call(box.ctx.hosts.keys.create(wire.NewApiKey(name="one", concurrent=1)))
    headers = {"Authorization": f"Bearer {made.key}"}
    keys = box.ctx.hosts.keys
    codes: list[int] = []
    long = {**ASK, "max_tokens": 400, "model": "starter:base"}
    first = threading.Thread(target=lambda: codes.append(box.ask("POST", "/v1/completions", long, headers)[0]))
    first.start()
    until(lambda: bool(keys.find(made.key).under_way))
    code, text = box.ask("POST", "/v1/completions", ASK, headers)
    assert code == 429 and "under way" in json.loads(text)["detail"]
    first.join(60)
    assert codes == [200]
    client = OpenAI(base_url=f"http://127.0.0.1:{box.port}/v1", api_key=made.key, max_retries=0)
    for stream in (False, True) * 10:  # one after the other, as fast as answers come
        answer = client.completions.create(model="starter", prompt="x", max_tokens=1, stream=stream)
        assert [*answer] if stream else answer
    assert keys.find(made.key).under_way == 0
    box.call(keys.revoke("one"))


def test_a_request_carries_the_name_of_its_key(box: Box, ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    before = box.host.generate

    def seen(request: Any, adapter: Any) -> Any:
        names.append(request.key)
        return before(request, adapter)

    monkeypatch.setattr(box.host, "generate", seen)
    for headers in (bearer(ann), {}):
        for stream in (True, False):
            assert box.ask("POST", "/v1/completions", {**ASK, "stream": stream}, headers)[0] == 200
    assert names == ["ann", "ann", "", ""]


@pytest.mark.parametrize(
    ("address", "own"),
    [
        *((name, True) for name in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost")),
        *((name, False) for name in ("10.0.0.7", "::", "0.0.0.0", "fe80::1%eth0", "", "x")),
    ],
)
def test_addresses_of_this_box(address: str, own: bool) -> None:
    assert gate.is_loopback(address) is own


def test_a_header_that_is_no_address_is_no_reason_to_fail() -> None:
    scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": [(b"host", b"[::1")]}
    assert not gate.from_here(scope, Headers(scope=scope))
