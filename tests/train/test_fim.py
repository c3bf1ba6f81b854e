"""Middles, pieces, rows: whatever the files are, nothing is lost, doubled or seen across a border."""

from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.models.catalog import ModelInfo
from backend.models.layout import infill_document, infill_prompt, trim
from backend.models.tokenizer import FimMarks
from backend.train.dataset import Rows
from backend.train.fim import split
from backend.train.packing import Document, cut, pack
from backend.train.places import first_line, similarity

MARKS = FimMarks(prefix=1000, suffix=1001, middle=1002, eot=1003)
LINES = st.text(alphabet="ab :=().\t\n\r\u2028é", max_size=400)


def shaped(layout: Any) -> ModelInfo:
    """A model of which only the layout counts."""
    marks = ("<p>", "<s>", "<m>", "<e>")
    return ModelInfo("x", Path(), "x", layout, *marks, 512, None, 3.0, 1, 1, 1, 1, 1, 1e-3, "")


def encode(text: str) -> list[int]:
    """One token for two characters at most, so that tokens of joined lines are not the sum of the lines'."""
    return [hash(text[at : at + 2]) % 997 for at in range(0, len(text), 2)]


@given(LINES, st.integers(0, 10_000))
def test_the_parts_of_a_split_give_back_the_text_and_the_middle_says_something(text: str, seed: int) -> None:
    parts = split(text, Random(seed))
    if parts is None:
        return
    assert parts.prefix + parts.middle + parts.suffix == text
    assert parts.middle.strip()


def test_every_kind_of_middle_is_asked_for() -> None:
    text = "def add(a, b):\n    total = a + b\n    return total\n\n\nclass Box:\n    size = 3\n" * 4
    found = {parts.kind for seed in range(300) if (parts := split(text, Random(seed)))}
    assert found == {"rest_of_line", "whole_line", "lines", "span"}


def test_whole_lines_begin_after_their_indentation() -> None:
    text = "if x:\n        return value\n"
    for seed in range(100):
        parts = split(text, Random(seed))
        if parts and parts.kind == "whole_line" and "return" in parts.middle:
            assert parts.middle == "return value"
            assert parts.prefix.endswith(" " * 8)
            return
    raise AssertionError("no whole line in a hundred splits")


@given(LINES, st.integers(4, 40))
def test_pieces_fit_and_give_back_the_text(text: str, room: int) -> None:
    pieces = cut(text, room, encode)
    assert "".join(pieces) == text
    assert all(len(encode(piece)) <= room for piece in pieces)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 64), max_size=300))
def test_packing_holds_every_document_once_and_wastes_little(sizes: list[int]) -> None:
    documents = [Document([number] * size, [1.0] * size) for number, size in enumerate(sizes)]
    rows = pack(documents, 64)
    packed = sorted(document.ids[0] for row in rows for document in row.sequences)
    assert packed == list(range(len(sizes)))
    assert all(row.used <= 64 for row in rows)
    # Best fit by falling size needs at most 11/9 of the fewest rows possible, and one.
    assert len(rows) <= 11 / 9 * (sum(sizes) / 64 + sum(size > 32 for size in sizes)) + 1


def test_a_document_longer_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack([Document([1] * 65, [1.0] * 65)], 64)


@pytest.mark.parametrize("layout", ["psm", "spm", "spm_contiguous"])
def test_each_layout_holds_the_parts_once_and_ends_with_the_end_of_text(layout: Any, small_model: ModelInfo) -> None:
    ids = infill_document(replace(small_model, fim_layout=layout), MARKS, [1, 2], [3, 4], [5, 6])
    assert ids[-3:] == [5, 6, MARKS.eot]
    assert sorted(id_ for id_ in ids if id_ < 1000) == [1, 2, 3, 4, 5, 6]
    assert [ids.count(mark) for mark in (1000, 1001, 1002, 1003)] == [1, 1, 1, 1]


def test_the_contiguous_layout_puts_the_middle_right_behind_the_prefix(small_model: ModelInfo) -> None:
    assert infill_prompt(small_model, MARKS, [1, 2], [3, 4]) == [1000, 1001, 3, 4, 1002, 1, 2]


@given(st.lists(st.integers()), st.lists(st.integers()), st.integers(-3, 50))
def test_trimming_keeps_what_is_nearest_to_the_cursor(prefix: list[int], suffix: list[int], room: int) -> None:
    ahead, behind = trim(prefix, suffix, room)
    assert len(ahead) + len(behind) <= max(room, 0)
    assert prefix[len(prefix) - len(ahead) :] == ahead
    assert suffix[: len(behind)] == behind


def test_an_answer_counts_up_to_the_end_of_its_line() -> None:
    assert first_line("x + 1  \nmore") == "x + 1"
    assert similarity("abcd", "abcd") == 1.0
    assert similarity("", "abcd") == 0.0


class Characters:
    """A tokenizer with one token a character."""

    marks = MARKS

    def encode_plain(self, text: str) -> list[int]:
        return [ord(letter) + 2000 for letter in text]

    def begun(self, text: str) -> str:
        return text


class Files:
    """Texts that need no store."""

    def __init__(self, texts: list[str]) -> None:
        self.members = list(range(len(texts)))
        self._texts = texts

    def get(self, member: int) -> str:
        return self._texts[member]


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=12), st.integers(0, 3), st.sampled_from(["psm", "spm", "spm_contiguous"]))
def test_every_token_of_every_file_is_seen_once_an_epoch(texts: list[str], epoch: int, layout: Any) -> None:
    values = {"context": 128, "fim_rate": 0.5, "context_weight": 0.5, "seed": 5}
    rows = Rows(Files(texts), shaped(layout), Characters(), values)  # type: ignore[arg-type]
    seen: Counter[int] = Counter()
    for row in rows.epoch(epoch):
        assert row.used <= 128
        for document in row.sequences:
            assert len(document.ids) == len(document.weights)
            assert document.weights[0] == 0.0
            assert all(
                weight == 0 for id_, weight in zip(document.ids, document.weights, strict=True) if 1000 <= id_ < 1003
            )
            seen.update(id_ for id_ in document.ids if id_ >= 2000)
    assert seen == Counter(ord(letter) + 2000 for text in texts if text.strip() for letter in text)


def test_the_order_depends_on_seed_and_epoch_and_can_be_entered_anywhere() -> None:
    texts = [f"def f{number}(x):\n    return x + {number}\n" * 9 for number in range(40)]

    def stream(seed: int, epoch: int = 0, index: int = 0) -> list[Any]:
        values = {"context": 128, "fim_rate": 0.5, "context_weight": 1.0, "seed": seed}
        rows = Rows(Files(texts), shaped("spm_contiguous"), Characters(), values)  # type: ignore[arg-type]
        return list(islice(rows.stream(epoch, index), 150))

    whole = stream(1)
    assert whole == stream(1)
    assert whole != stream(2)
    epoch, index, _ = whole[70]
    assert whole[70:] == stream(1, epoch, index)[: len(whole) - 70]


def test_packing_wastes_little_of_real_sizes() -> None:
    texts = [f"value_{number} = compute(first, {number})\n" * (3 + number % 90) for number in range(120)]
    values = {"context": 512, "fim_rate": 0.5, "context_weight": 1.0, "seed": 5}
    rows = list(Rows(Files(texts), shaped("spm_contiguous"), Characters(), values).epoch(0))  # type: ignore[arg-type]
    assert sum(row.used for row in rows) > 0.95 * 512 * (len(rows) - 1)
