"""llama.cpp's dialect, as llama.vim and llama.vscode use it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.serve.lines import Lines
from tests.serve.serving_box import Box

BEFORE, LINE, AFTER = "def area(width, height):\n", "    return ", "\n\n\nprint(area(2, 3))\n"
FIELDS = ["content", "timings/prompt_n", "timings/predicted_n", "truncated", "tokens_cached", "nothing/such"]


def infill(box: Box, **body: Any) -> dict[str, Any]:
    status, text = box.ask("POST", "/infill", {"temperature": 0, "model": "starter:base", **body})
    assert status == 200, text
    return json.loads(text)  # type: ignore[no-any-return]


def expected(box: Box, **more: Any) -> str:
    answer = box.complete(prompt=BEFORE + LINE, suffix=AFTER, model="starter:base", **more)
    return str(answer["choices"][0]["text"])


def test_the_prompt_stands_between_prefix_and_cursor(box: Box) -> None:
    body = {"input_prefix": BEFORE, "input_suffix": AFTER, "n_predict": 12, "samplers": ["top_k"], "id_slot": 0}
    for prompt in (LINE, ["    ", "return "]):
        answer = infill(box, **body, prompt=prompt, cache_prompt=True, t_max_prompt_ms=500)
        assert answer["content"] == expected(box, max_tokens=12)
        assert answer["stop"] is True and answer["tokens_predicted"] <= 12
        assert answer["timings"]["prompt_n"] == answer["tokens_evaluated"] > 10


def test_answers_are_compact_and_hold_the_fields_that_were_asked_for(box: Box) -> None:
    body = {"input_prefix": BEFORE, "prompt": LINE, "input_suffix": AFTER, "n_predict": 4, "response_fields": FIELDS}
    status, text = box.ask("POST", "/infill", body)
    assert status == 200 and '"content":"' in text
    assert list(json.loads(text)) == FIELDS[:-1]


def test_a_warm_up_predicts_nothing(box: Box) -> None:
    answer = infill(box, input_prefix=BEFORE, input_suffix=AFTER, prompt="", n_predict=0)
    assert (answer["content"], answer["tokens_predicted"]) == ("", 0)
    assert answer["tokens_evaluated"] > 10


def test_other_files_are_read_first_and_cut_first(box: Box) -> None:
    extra = [{"filename": "a.py", "text": "WIDTH = 3\n"}, {"filename": "b.py", "text": "HEIGHT = 4"}]
    asked = {"input_prefix": BEFORE, "prompt": LINE, "n_predict": 8}
    with_extra = infill(box, **asked, input_extra=extra)
    text = "WIDTH = 3\nHEIGHT = 4\n" + BEFORE + LINE
    assert with_extra["content"] == box.complete(prompt=text, max_tokens=8, model="starter:base")["choices"][0]["text"]
    assert not with_extra["truncated"]
    much = infill(box, **asked, input_extra=[{"text": "x = 1\n" * 5000}])
    assert much["truncated"] and 2048 - 8 - 2048 // 8 <= much["tokens_evaluated"] <= 2048 - 8


def test_stop_texts_and_why_it_ended(box: Box) -> None:
    whole = infill(box, input_prefix=BEFORE, prompt=LINE, input_suffix=AFTER, n_predict=16)
    assert whole["stop_type"] in ("limit", "eos")
    stop = whole["content"][3:5]
    cut = infill(box, input_prefix=BEFORE, prompt=LINE, input_suffix=AFTER, n_predict=16, stop=[stop])
    assert (cut["stop_type"], cut["stopping_word"]) == ("word", stop)
    assert cut["content"] == whole["content"].split(stop)[0]


def test_time_ends_an_answer_behind_its_first_line(box: Box) -> None:
    asked = {"input_prefix": "import os\nimport sys\n", "input_suffix": "\n", "n_predict": -1}
    answer = infill(box, **asked, t_max_predict_ms=1)
    assert "\n" in answer["content"] and answer["tokens_predicted"] < 500


def test_a_stream_says_the_same(box: Box) -> None:
    body = {"input_prefix": BEFORE, "prompt": LINE, "input_suffix": AFTER, "n_predict": 12, "temperature": 0}
    status, text = box.ask("POST", "/infill", {**body, "stream": True, "model": "starter:base"})
    pieces = [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]
    assert status == 200
    assert "".join(piece["content"] for piece in pieces) == expected(box, max_tokens=12)
    assert [piece["stop"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_completion_goes_on_with_a_text(box: Box) -> None:
    status, text = box.ask("POST", "/completion", {"prompt": "import ", "n_predict": 5, "temperature": 0})
    assert status == 200
    assert json.loads(text)["content"] == box.complete(prompt="import ", max_tokens=5)["choices"][0]["text"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": "x"},
        {"input_prefix": 3},
        {"input_prefix": "x", "n_predict": "many"},
        {"input_prefix": "x", "input_extra": ["a"]},
        {"input_prefix": "x", "prompt": [1, 2]},
    ],
)
def test_wrong_bodies_are_refused_in_words(box: Box, body: dict[str, Any]) -> None:
    status, text = box.ask("POST", "/infill", body)
    assert status == 400 and json.loads(text)["error"]["message"]


def test_props(box: Box) -> None:
    told = json.loads(box.ask("GET", "/props")[1])
    assert (told["default_generation_settings"]["n_ctx"], told["model_alias"]) == (2048, "starter")


TEXT = st.text(alphabet="ab \n", max_size=30)


@given(st.lists(TEXT, max_size=6), st.integers(0, 4))
def test_lines_are_the_same_however_the_text_is_cut(pieces: list[str], indent: int) -> None:
    cut, whole = Lines(indent), Lines(indent)
    shown = "".join(cut.feed(piece) for piece in pieces) + cut.finish()
    once = whole.feed("".join(pieces)) + whole.finish()
    assert shown.rstrip("\n") == once.rstrip("\n")
    if not indent:
        assert shown == "".join(pieces)


def test_a_line_indented_less_ends_the_answer() -> None:
    lines = Lines(4)
    assert lines.feed("x = 1\n    y = 2\n\n  z = 3\n    w") == "x = 1\n    y = 2"
    assert lines.stopped and lines.feed("more") == ""
