"""Pieces and rows: nothing is lost, doubled or too long, and documents in one row cannot see each other."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.train.batches import batch
from backend.train.forward import nats
from backend.train.packing import Document, Row, cut, halves, pack

TEXTS = st.text(alphabet="ab :=.\t\n\r\u2028é", max_size=400)
VOCABULARY = 50


def encode(text: str) -> list[int]:
    """One token for two characters at most, so that tokens of parts are not the sum of the whole's."""
    return [hash(text[at : at + 2]) % 997 for at in range(0, len(text), 2)]


def ends_of(text: str) -> list[int]:
    return [min(at + 2, len(text)) for at in range(0, len(text), 2)]


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(-1, 40), min_size=1))
def test_pieces_give_back_the_text_whatever_room_each_has(text: str, rooms: list[int]) -> None:
    turns = iter(rooms * (len(text) + 1))
    pieces = list(cut(text, ends_of(text), lambda: next(turns)))
    assert "".join(pieces) == text
    assert all(pieces)


@settings(deadline=None)
@given(TEXTS, st.integers(2, 40))
def test_pieces_are_about_as_large_as_their_room(text: str, room: int) -> None:
    for piece in cut(text, ends_of(text), lambda: room):
        assert len(encode(piece)) <= room + 1


@settings(deadline=None)
@given(st.text(max_size=60), st.lists(st.integers(1, 4), min_size=60, max_size=60), st.integers(1, 9))
def test_characters_of_several_tokens_are_never_lost(text: str, tokens: list[int], room: int) -> None:
    ends = [at + 1 for at, count in zip(range(len(text)), tokens, strict=False) for _ in range(count)]
    assert "".join(cut(text, ends, lambda: room)) == text


def test_a_piece_ends_with_a_line_or_before_a_blank_and_never_inside_a_word() -> None:
    line = "    total = first_value + second_value\n"
    text = line * 40
    ends = list(range(1, len(text) + 1))
    even = list(cut(text, ends, lambda: 10 * len(line)))
    assert even == [line * 10] * 4
    for piece in list(cut(text, ends, lambda: 10 * len(line) + 20))[:-1]:
        rest = text[text.index(piece) + len(piece) :]
        assert piece.endswith("\n") or (rest[0].isspace() and not piece[-1].isspace())
    assert [len(piece) for piece in cut("x" * 100, list(range(1, 101)), lambda: 30)] == [30, 30, 30, 10]


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(1, 20))
def test_halves_fit_and_give_back_the_text(text: str, room: int) -> None:
    parts = halves(text, room, encode)
    assert "".join(part for part, _ in parts) == text
    assert all(ids == encode(part) and len(ids) <= room for part, ids in parts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 64), max_size=300))
def test_packing_holds_every_document_once_and_wastes_little(sizes: list[int]) -> None:
    documents = [Document([number] * size, [1.0] * size) for number, size in enumerate(sizes)]
    rows = pack(documents, 64)
    packed = sorted((document.ids[0], len(document.ids)) for row in rows for document in row.sequences)
    assert packed == list(enumerate(sizes))
    assert all(row.used <= 64 for row in rows)
    # Best fit by falling size needs at most 11/9 of the fewest rows possible, and one.
    assert len(rows) <= 11 / 9 * (sum(sizes) / 64 + sum(size > 32 for size in sizes)) + 1


def test_a_document_longer_than_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        pack([Document([1] * 65, [1.0] * 65)], 64)


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=256, attn_implementation="sdpa", **sizes)
    return LlamaForCausalLM(config).eval()


def document(ids: Sequence[int]) -> Document:
    return Document(list(ids), [0.0] + [1.0] * (len(ids) - 1))


def loss_of(model: Any, *rows: Row) -> float:
    with torch.no_grad():
        return float(nats(model, batch(rows, 0)))


DOCUMENTS = st.lists(st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=20), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)
@given(DOCUMENTS)
def test_documents_beside_each_other_cost_what_each_costs_alone(model: Any, ids: list[list[int]]) -> None:
    """No attention across borders, no position carried on, no token predicted from another document's."""
    documents = [document(one) for one in ids]
    together = loss_of(model, Row(128, documents), Row(128, documents[:1]))
    apart = sum(loss_of(model, Row(128, [one])) for one in [*documents, documents[0]])
    assert together == pytest.approx(apart, rel=1e-4, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS)
def test_positions_begin_anew_and_documents_do_not_overlap(ids: list[list[int]]) -> None:
    made = batch([Row(128, [document(one) for one in ids])], 0)
    starts = [0, *accumulate(map(len, ids))]
    for start, one in zip(starts, ids, strict=False):
        assert made.ids[0, start : start + len(one)].tolist() == one
        assert made.positions[0, start : start + len(one)].tolist() == list(range(len(one)))
    assert float(made.weights.sum()) == sum(len(one) - 1 for one in ids)
