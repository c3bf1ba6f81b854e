"""Tabby's dialect: segments on the shared route, health and settings in its shape, events that are counted."""

import json
from typing import Any

import pytest

from backend.serve.acceptance import Acceptance
from backend.serve.snippets import Snippet, commented
from tests.serve.fates import Fates, fates, since
from tests.serve.serving_box import Box

SEGMENTS = {"prefix": "def area(width, height):\n    return ", "suffix": "\n\n\nprint(area(2, 3))\n"}


def ask(box: Box, body: dict[str, Any]) -> dict[str, Any]:
    status, text = box.ask("POST", "/v1/completions", body)
    assert status == 200, text
    return json.loads(text)  # type: ignore[no-any-return]


def test_segments_are_answered_as_a_suffix_is(box: Box) -> None:
    answer = ask(box, {"language": "python", "segments": SEGMENTS, "temperature": 0, "model": "starter:base"})
    (choice,) = answer["choices"]
    same = box.complete(
        prompt=SEGMENTS["prefix"], suffix=SEGMENTS["suffix"], model="starter:base", max_tokens=64, stop=["\n\n"]
    )
    assert choice == {"index": 0, "text": same["choices"][0]["text"]}
    assert answer["id"].startswith("cmpl-")


def test_a_raw_prompt_and_what_else_the_editor_sends(box: Box) -> None:
    segments = {**SEGMENTS, "clipboard": "x", "git_url": "g", "declarations": [{"filepath": "a.py", "body": "W = 1"}]}
    assert ask(box, {"segments": segments, "user": "me", "mode": "standard"})["choices"][0]["text"]
    raw = ask(box, {"segments": SEGMENTS, "debug_options": {"raw_prompt": "import "}, "temperature": 0})
    plain = box.complete(prompt="import ", max_tokens=64, stop="\n\n")
    assert raw["choices"][0]["text"] == plain["choices"][0]["text"]


@pytest.mark.parametrize(
    "body",
    [
        {"segments": {}},
        {"segments": 3},
        {"segments": {"prefix": 1}},
        {"segments": SEGMENTS, "temperature": 9},
        {"segments": {**SEGMENTS, "declarations": [{"filepath": "a"}]}},
    ],
)
def test_wrong_bodies_are_refused_in_words(box: Box, body: dict[str, Any]) -> None:
    status, text = box.ask("POST", "/v1/completions", body)
    assert status == 400
    assert isinstance(json.loads(text)["detail"], str)


def test_health_and_settings(box: Box) -> None:
    for method in ("GET", "POST"):
        status, text = box.ask(method, "/v1/health")
        told = json.loads(text)
        assert (status, told["status"], told["model"], told["webserver"]) == (200, "ok", "starter", False)
        assert told["version"]["git_describe"].startswith("v")
        assert told["models"]["completion"]["local"]["model_id"] == "starter"
    assert json.loads(box.ask("GET", "/v1beta/server_setting")[1]) == {"disable_client_side_telemetry": True}
    assert json.loads(box.ask("GET", "/v1beta/models")[1])["completion"] == ["starter"]


def test_events_are_counted_for_the_checkpoint_that_answered(box: Box) -> None:
    before = fates(box)
    first = ask(box, {"segments": SEGMENTS, "model": "starter:sign:2"})["id"]
    second = ask(box, {"segments": SEGMENTS, "model": "starter:base"})["id"]
    for id_, kind in ((first, "view"), (first, "select"), (second, "view"), (second, "dismiss"), ("gone", "view")):
        status, _ = box.ask("POST", "/v1/events", {"type": kind, "completion_id": id_, "choice_index": 0})
        assert status == 200
    assert box.ask("POST", "/v1/events?select_kind=line", {"type": "select", "completion_id": "gone"})[0] == 200
    assert box.ask("POST", "/v1/events", {"type": "something", "new": 1})[0] == 200
    assert box.ask("POST", "/v1/events", {"type": "view"})[0] == 400
    assert since(box, before) == {"sign:2": Fates(1, 1, 1, 0), None: Fates(1, 1, 0, 1)}


def test_only_the_newest_answers_are_remembered() -> None:
    acceptance = Acceptance()
    for number in range(10_001):
        acceptance.answered(str(number), "m", None)
    for id_ in ("0", "10000"):
        acceptance.shown(id_)
    (count,) = acceptance.counts()
    assert (count.completions, count.shown, count.taken, count.rate) == (10_001, 1, 0, 0.0)


def test_pieces_of_other_files_become_comments() -> None:
    snippets = [Snippet("a = 1\n\nb = 2", "x.py"), Snippet("c")]
    assert commented(snippets, "python") == "# Path: x.py\n# a = 1\n#\n# b = 2\n# c\n"
    assert commented(snippets[1:], "go") == "// c\n"
    assert commented([], "go") == ""
