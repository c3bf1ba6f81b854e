"""What is counted of real requests: who asked, what answered, how it ended; kept over a restart, without any text."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backend import wire
from backend.errors import BadRequest
from backend.serve import pending, statistics
from backend.serve import recent as recently
from backend.serve.acceptance import Acceptance
from backend.serve.complete import complete
from backend.serve.metrics import written
from backend.serve.recent import Recent
from backend.serve.statistics import Statistics
from backend.serve.tally import Tally
from tests.serve.counting import count_anew, report
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

SECRET = "zanzibar_marker_"


@pytest.fixture
def fresh(box: Box) -> Iterator[Statistics]:
    """Nothing counted yet."""
    yield count_anew(box)


def hang_up(box: Box) -> None:
    """Leave while the answer comes."""
    body = json.dumps({"prompt": "x", "max_tokens": 2000, "stream": True, "model": "starter:base"})
    with socket.create_connection(("127.0.0.1", box.port)) as connection:
        head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())
        assert connection.recv(64)


def test_requests_by_checkpoint_and_key(box: Box, fresh: Statistics) -> None:
    key = box.call(box.ctx.hosts.keys.create(wire.NewApiKey(name="ann"))).key
    body: dict[str, Any] = {"prompt": f"{SECRET} = ", "max_tokens": 6, "temperature": 0}
    for model, headers in (("starter:base", {}), ("starter:base", {"x-api-key": key}), ("starter:sign:2", {})):
        for stream in (True, False):
            assert box.ask("POST", "/v1/completions", {**body, "model": model, "stream": stream}, headers)[0] == 200
    box.call(box.ctx.hosts.keys.revoke("ann"))
    told = report(box)
    assert (told.total.requests, told.total.failed, told.total.cancelled) == (6, 0, 0)
    assert {(one.model, one.checkpoint): one.requests for one in told.checkpoints} == {
        ("starter", None): 4,
        ("starter", "sign:2"): 2,
    }
    assert {one.key: one.requests for one in told.keys} == {"": 4, "ann": 2}
    assert told.total.prompt_tokens >= 6 and 6 <= told.total.completion_tokens <= 36
    for low, high in (
        (told.total.first_token_ms_p50, told.total.total_ms_p50),
        (told.total.total_ms_p50, told.total.total_ms_p95),
    ):
        assert low is not None and high is not None and 0 < low <= high
    newest = fresh.recent.list()
    assert [(one.key, one.checkpoint, one.outcome) for one in newest] == [
        *[("", "sign:2", "done")] * 2,
        *[("ann", None, "done")] * 2,
        *[("", None, "done")] * 2,
    ]
    assert [one.number for one in newest] == [6, 5, 4, 3, 2, 1]
    assert all(one.tokens and one.total_ms >= (one.first_token_ms or 0) > 0 for one in newest)


def test_nothing_that_was_said_is_kept(box: Box, fresh: Statistics) -> None:
    answer = box.complete(prompt=f"{SECRET} = ", max_tokens=12)["choices"][0]["text"]
    report(box)
    with closing(sqlite3.connect(box.paths.database)) as state:
        rows = [str(row) for row in state.execute("SELECT * FROM requests")]
    assert len(rows) == 1
    for text in (*rows, str(fresh.recent.list())):
        assert SECRET not in text and answer.strip()[:12] not in text


def test_counts_go_on_after_a_restart(box: Box, fresh: Statistics) -> None:
    box.complete(prompt="x", max_tokens=2)
    before = report(box)
    again = Statistics(box.ctx)
    box.call(again.restore())
    box.ctx.hosts.statistics = again
    box.complete(prompt="x", max_tokens=2)
    after = report(box)
    assert (before.total.requests, after.total.requests) == (1, 2)
    assert after.total.prompt_tokens == 2 * before.total.prompt_tokens
    assert sum(tally.requests for tally in again.lived.values()) == 1


def test_an_engine_is_fresh_until_a_checkpoint_has_answered(box: Box, fresh: Statistics) -> None:
    box.call(fresh.restore())
    seen = []
    for model in ("starter:base", "starter:sign:2", "starter:base"):
        box.complete(prompt="x", max_tokens=2, model=model)
        box.call(fresh.flush())
        again = Statistics(box.ctx)
        box.call(again.restore())  # what an engine that starts now makes of it
        seen.append((fresh.recent.fresh, again.recent.fresh))
    assert seen == [(True, True), (False, False), (False, False)]


def test_how_requests_end(box: Box, fresh: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    hang_up(box)
    until(lambda: bool(fresh.recent.list()))
    with monkeypatch.context() as patch:
        patch.setattr(pending, "WAITING", 0)
        assert box.ask("POST", "/v1/completions", {"prompt": "x"})[0] == 503
    with monkeypatch.context() as patch:
        patch.setattr(box.host, "state", "failed")
        assert box.ask("POST", "/v1/completions", {"prompt": "x"})[0] == 503
    assert box.ask("POST", "/v1/completions", {"prompt": "x", "model": "nobody"})[0] == 400  # no model, no tally
    total = report(box).total
    assert (total.requests, total.cancelled, total.refused, total.failed) == (3, 1, 1, 1)
    assert total.total_ms_p50 is None and total.first_token_ms_p50 is not None
    assert [one.outcome for one in fresh.recent.list()] == ["failed", "refused", "cancelled"]


def test_a_full_disk_keeps_nobody_waiting(box: Box, fresh: Statistics, caplog: pytest.LogCaptureFixture) -> None:
    """What could not be written is kept, and written when there is room again."""
    hosts = box.ctx.hosts
    box.complete(prompt="x", max_tokens=2)
    box.call(box.ctx.db.execute("ALTER TABLE requests RENAME TO elsewhere"))
    box.call(hosts._write())
    assert "could not be written" in caplog.text
    box.complete(prompt="x", max_tokens=2)
    box.call(box.ctx.db.execute("ALTER TABLE elsewhere RENAME TO requests"))
    assert report(box).total.requests == 2


def test_days_are_apart(box: Box, fresh: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(statistics, "today", lambda: "2000-01-01")
        box.complete(prompt="x", max_tokens=2)
    box.complete(prompt="x", max_tokens=2)
    assert report(box).total.requests == 1
    assert report(box, 3650).total.requests == 1
    rows = box.call(box.ctx.db.fetch_all("SELECT day, requests FROM requests ORDER BY day"))
    assert [(row["day"], row["requests"]) for row in rows] == [("2000-01-01", 1), (statistics.today(), 1)]
    assert {where.day for where in fresh._tallies} == {statistics.today()}
    for days in (0, 5000):
        with pytest.raises(BadRequest):
            report(box, days)


def test_what_editors_tell(box: Box, fresh: Statistics) -> None:
    acceptance: Acceptance = box.ctx.hosts.acceptance

    async def answered(id_: str) -> None:
        """As a dialect does: ask, then name the answer, in one task."""
        done = await complete(box.ctx, wire.Complete(prefix="x = ", max_tokens=2))
        acceptance.answered(id_, done.model, done.checkpoint)

    for id_ in ("a", "b", "c", "d"):
        box.call(answered(id_))
        acceptance.shown(id_)
    acceptance.taken("a")
    acceptance.dismissed("b")
    acceptance.taken("never seen")
    total = report(box).total
    assert (total.shown, total.taken, total.dismissed, total.acceptance) == (4, 1, 1, 0.25)
    assert [one.fate for one in reversed(fresh.recent.list())] == ["taken", "dismissed", "shown", "shown"]
    assert box.ctx.hosts.show("starter").acceptance == 0.25


def test_who_looks_on_is_told_of_what_was_taken(box: Box, fresh: Statistics) -> None:
    async def told() -> wire.Serving | None:
        hosts, bus = box.ctx.hosts, box.ctx.bus
        after = bus.last_id
        acceptance = Acceptance(fresh, hosts._changed)
        for model in ("starter", "given-up"):
            acceptance.answered(model, model, None)
            acceptance.shown(model)
        acceptance.taken("starter")
        async with asyncio.timeout(20), aclosing(bus.follow(after)) as events:
            async for event in events:
                if event.kind == "serving":
                    assert event.data.model == "starter"
                    return event.data  # type: ignore[no-any-return]
        return None

    serving = box.call(told())
    assert serving is not None and serving.acceptance == 1.0


def test_metrics_are_read_by_prometheus(box: Box, fresh: Statistics) -> None:
    for _ in range(3):
        box.complete(prompt="x", max_tokens=2, model="starter:sign:3")
    status, text = box.ask("GET", "/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (done,) = [one for one in families["refact_requests"].samples if one.labels["outcome"] == "done"]
    assert (done.labels["model"], done.labels["checkpoint"], done.value) == ("starter", "sign:3", 3)
    buckets = [one for one in families["refact_request_seconds"].samples if one.name.endswith("_bucket")]
    assert buckets[-1].labels["le"] == "+Inf" and buckets[-1].value == 3
    assert [one.value for one in buckets] == sorted(one.value for one in buckets)
    (sum_,) = [one.value for one in families["refact_request_seconds"].samples if one.name.endswith("_sum")]
    assert sum_ == pytest.approx(sum(one.total_ms for one in fresh.recent.list()) / 1000, abs=0.001)
    assert families["refact_ready"].samples[0].value == 1
    assert box.ask("GET", "/metrics", headers={"Via": "x"})[0] == 401


def test_odd_names_do_not_break_the_format() -> None:
    name = 'a"b\\c\nd'
    text = "\n".join(written({(name, "", name): Tally(requests=2, failed=1)}, [], {name: 1})) + "\n"
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    assert {one.labels["model"] for one in samples} == {name}
    assert {one.labels.get("outcome"): one.value for one in samples if one.name == "refact_requests_total"} == {
        "done": 1,
        "failed": 1,
        "refused": 0,
        "cancelled": 0,
    }


def test_however_many_come_few_are_kept_and_told_of(box: Box, fresh: Statistics) -> None:
    async def many() -> tuple[int, int]:
        recent, before = Recent(box.ctx.bus), box.ctx.bus.last_id
        fields = {"key": "", "model": "starter", "checkpoint": None, "outcome": "done", "prompt_tokens": 1}
        for _ in range(5 * recently.KEPT):
            recent.add(**fields, tokens=1, first_token_ms=1.0, total_ms=1.0)
        recent._say()
        recent.close()
        return len(recent.list()), box.ctx.bus.last_id - before

    assert box.call(many()) == (recently.KEPT, 1)
