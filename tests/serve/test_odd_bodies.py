"""Whatever a body holds, every route answers with a status that says whose fault it is, and in words."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serve.serving_box import Box

pytestmark = pytest.mark.slow
TALK = [{"role": "user", "content": "x"}]
SEGMENTS = {"prefix": "a", "suffix": "b", "declarations": [{"filepath": "a", "body": "b"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {
        "prompt": "a",
        "suffix": "b",
        "max_tokens": 2,
        "stop": ["c"],
        "n": 2,
        "logprobs": 1,
        "stream": True,
    },
    "/v1/completions?tabby": {"segments": SEGMENTS, "language": "go", "temperature": 0.1, "seed": 1},
    "/v1/chat/completions": {"messages": TALK, "max_tokens": 2, "stream": True, "stream_options": {}},
    "/v1/fim/completions": {"prompt": "a", "suffix": "b", "max_tokens": 2, "stream": True, "random_seed": 4},
    "/infill": {"input_prefix": "a", "input_suffix": "b", "prompt": ["c"], "n_predict": 2, "response_fields": ["a/b"]},
    "/completion": {"prompt": "a", "n_predict": 2, "stream": True, "stop": ["b"]},
    "/api/generate": {"model": "starter", "prompt": "a", "suffix": "b", "options": {"num_predict": 2, "stop": "x"}},
    "/api/chat": {"model": "starter", "messages": TALK, "options": {"num_predict": 2}},
    "/api/show": {"model": "starter", "name": "starter"},
    "/v1/events": {"type": "view", "completion_id": "a", "choice_index": 0},
    "/stats/telemetry-basic": {"records": [], "teletype": "network"},
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["\x00", "\ud7ff", "<fim_prefix>", "starter:", "starter::", ":", "/", "there/x", "starter:base:1"]),
    st.lists(st.one_of(st.text(max_size=3), st.integers(), st.none()), max_size=4),
    st.dictionaries(st.text(max_size=3), st.one_of(st.text(max_size=3), st.integers()), max_size=3),
)
MANY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(status: int, text: str, path: str) -> None:
    assert status in (200, 400, 404, 413), text
    if status != 200:
        told = json.loads(text)
        assert isinstance(told["error"] if path.startswith("/api/") else told["detail"], str)


@pytest.mark.parametrize("path", BODIES)
@MANY
@given(data=st.data())
def test_values_of_other_kinds(box: Box, path: str, data: st.DataObject) -> None:
    body = dict(BODIES[path])
    for name in data.draw(st.lists(st.sampled_from([*body, "model", "echo", "top_p", "more"]), min_size=1, max_size=3)):
        body[name] = data.draw(ODD)
    # A large limit would be granted: it is no fault, only slow.
    body |= {name: 2 for name in ("max_tokens", "n_predict") if isinstance(body.get(name), int) and body[name] > 8}
    check(*box.ask("POST", path, body), path)


@pytest.mark.parametrize("path", BODIES)
@MANY
@given(
    body=st.one_of(
        st.binary(max_size=40), st.sampled_from([b"null", b"[]", b'""', b"1", b'{"a":', b"[" * 5000, b"\xff"])
    )
)
def test_bodies_that_are_none(box: Box, path: str, body: bytes) -> None:
    check(*box.ask("POST", path, body), path)


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, 2**70, -(2**70)])
def test_seeds_of_any_size(box: Box, seed: int) -> None:
    short = {"seed": seed, "random_seed": seed, "n": 1, "stream": False, "options": {"seed": seed, "num_predict": 2}}
    for path in ("/v1/completions", "/v1/completions?tabby", "/v1/fim/completions", "/infill", "/api/generate"):
        status, text = box.ask("POST", path, {**BODIES[path], **short})
        assert status == 200, text


def grown(value: Any, size: int) -> Any:
    """The body with every text of it that is read made long."""
    if isinstance(value, dict):
        long = ("prompt", "suffix", "prefix", "content", "input_prefix", "input_suffix")
        return {name: "x = 1\n" * (size // 6) if name in long else grown(one, size) for name, one in value.items()}
    return [grown(one, size) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", [path for path in BODIES if "events" not in path and "stats" not in path])
def test_long_prompts_are_cut_and_longer_ones_refused(box: Box, path: str) -> None:
    short = {**BODIES[path], "stream": False, "n": 1}
    status, text = box.ask("POST", path, grown(short, 400_000))
    # The starter does not chat, and says so whatever the length.
    assert status == (400 if "chat" in path else 200), text[:300]
    if "prompt_tokens" in text:
        # It is cut in steps of an eighth, so that most keystrokes cut it at the same place.
        assert 7 / 8 * (2048 - 2) - 8 < json.loads(text)["usage"]["prompt_tokens"] <= 2048 - 2
    if path != "/api/show":
        status, text = box.ask("POST", path, grown(short, 3_000_000))
        assert status == 413 and "KiB" in text
