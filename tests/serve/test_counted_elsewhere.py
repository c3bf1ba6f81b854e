"""What is asked of other servers is counted too, under the name that says that it leaves the box."""

import json
from typing import Any

import pytest

from backend.serve.statistics import Statistics
from backend.serve.tally import Tally
from tests.serve.other_server import events, other_server
from tests.serve.serving_box import Box
from tests.serve.test_hosting import until

ASK: dict[str, Any] = {"prompt": "import ", "max_tokens": 5, "temperature": 0, "model": "there/starter"}


@pytest.fixture
def fresh(box: Box) -> Statistics:
    """Nothing counted yet."""
    statistics = Statistics(box.ctx)
    box.ctx.hosts.statistics = statistics
    return statistics


def name_server(box: Box, url: str) -> None:
    box.paths.upstreams_toml.write_text(f'[there]\nurl = "{url}"\nmodels = ["starter"]\n')


def tally(statistics: Statistics) -> Tally:
    return statistics.lived["there/starter", "", ""]


def test_both_ends_of_a_request_are_counted(box: Box, fresh: Statistics) -> None:
    """The box is its own other server: what it counts as that one, it counts as this one."""
    name_server(box, f"http://127.0.0.1:{box.port}/v1")
    for stream in (False, True):
        body = {**ASK, "stream": stream, "stream_options": {"include_usage": True}}
        assert box.ask("POST", "/v1/completions", body)[0] == 200
    until(lambda: tally(fresh).requests == 2)
    mine, theirs = tally(fresh), fresh.lived["starter", "", ""]
    assert (mine.requests, mine.failed, mine.cancelled) == (theirs.requests, 0, 0) == (2, 0, 0)
    assert mine.prompt_tokens == theirs.prompt_tokens > 0
    assert mine.completion_tokens == theirs.completion_tokens > 0
    assert mine.total.count == 2 and mine.first_token.count == 1


def test_lies_and_failures(box: Box, fresh: Statistics) -> None:
    piece = {"choices": [{"index": 0, "text": "a", "finish_reason": None}]}
    lie = {**piece, "usage": {"prompt_tokens": -3, "completion_tokens": 10**30}}
    odd = {**piece, "usage": {"prompt_tokens": "many", "completion_tokens": True}}
    with other_server(events(*(json.dumps(one).encode() for one in (piece, lie, odd)), b"[DONE]")) as server:
        name_server(box, server.url)
        box.ask("POST", "/v1/completions", {**ASK, "stream": True})
    until(lambda: bool(fresh.lived))
    found = tally(fresh)
    assert (found.requests, found.prompt_tokens) == (1, 0) and found.completion_tokens <= 3
    with other_server([b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"]) as server:
        name_server(box, server.url)
        assert box.ask("POST", "/v1/completions", ASK)[0] == 502
    assert (tally(fresh).requests, tally(fresh).failed) == (2, 1)
    assert fresh.recent.list()[0].outcome == "failed"
