"""From files to rows: every token of every file once an epoch, in an order that can be entered anywhere."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import RefactError
from backend.models.catalog import ModelInfo
from backend.models.families import FimLayout
from backend.models.layout import infill_document, infill_prompt, trim
from backend.models.tokenizer import FimMarks, TextTokenizer
from backend.scan.text import decode
from backend.train import dataset, syntax
from backend.train.dataset import Member, Rows, Texts, held_out_rows, read_manifest, write_manifest
from backend.train.documents import Documents, File
from tests.train.content_shelf import parts_of, text_of, texts_of

LAYOUTS: tuple[FimLayout, ...] = ("psm", "spm", "spm_contiguous")
MARKS = FimMarks(prefix=1000, suffix=1001, middle=1002, eot=1003)
MARKED = st.sampled_from(
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<|endoftext|>", "\r\n", "\ufeff", "\t", "😀"]
)
TEXTS = st.lists(MARKED | st.text(max_size=60) | st.sampled_from(["def f(x):\n    return x\n", "\n\n"]), max_size=40)
FILES = st.lists(TEXTS.map("".join), min_size=1, max_size=12)
relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("content")


def values(**other: Any) -> dict[str, Any]:
    nodes = "tree-sitter" if syntax.installed() else "indentation"
    return {"context": 128, "fim_rate": 0.5, "context_weight": 0.5, "seed": 5, "fim_nodes": nodes, **other}


@contextmanager
def small_groups() -> Iterator[None]:
    """A few rows are packed together, so that an epoch has many groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "GROUP_TOKENS", 200)
        patch.setattr(dataset, "GROUP_ROWS", 2)
        yield


@relaxed
@given(FILES, st.integers(0, 3), st.sampled_from(LAYOUTS), st.sampled_from([64, 128, 300]), st.floats(0, 1))
def test_every_character_of_every_file_is_seen_once_an_epoch(
    starter: ModelInfo,
    tokenizer: TextTokenizer,
    folder: Path,
    files: list[str],
    epoch: int,
    layout: Any,
    context: int,
    rate: float,
) -> None:
    info = replace(starter, fim_layout=layout)
    with small_groups(), texts_of(folder, files) as texts:
        rows = list(Rows(texts, info, tokenizer, values(context=context, fim_rate=rate)).epoch(epoch))
    seen: Counter[str] = Counter()
    for row in rows:
        assert 0 < row.used <= context
        for document in row.sequences:
            assert len(document.ids) == len(document.weights)
            seen.update(text_of(info, tokenizer, document))
    assert seen == Counter("".join(decode(file.encode()) or "" for file in files))


@relaxed
@given(FILES, st.integers(0, 1000), st.sampled_from(LAYOUTS), st.sampled_from([64, 200]))
def test_the_documents_of_a_file_joined_are_the_file(
    starter: ModelInfo, tokenizer: TextTokenizer, files: list[str], seed: int, layout: Any, context: int
) -> None:
    info = replace(starter, fim_layout=layout)
    made = Documents(info, tokenizer, values(context=context)).of(
        [File(file, "Python") for file in files], Random(seed)
    )
    assert "".join(text_of(info, tokenizer, document) for document in made) == "".join(files)
    whole = [tokenizer.encode_plain(file) for file in files]
    assert sum(document.ids[-1] == tokenizer.marks.eot for document in made) >= sum(map(bool, whole))


@settings(deadline=None)
@given(TEXTS.map("".join))
def test_tokens_give_back_the_text_and_none_of_it_becomes_a_mark(tokenizer: TextTokenizer, text: str) -> None:
    ((ids, ends),) = tokenizer.encode_plain_ends([text])
    assert ids == tokenizer.encode_plain(text) == tokenizer.encode_plain_batch([text])[0]
    assert tokenizer.decode(ids) == text
    marks = tokenizer.marks
    assert not {marks.prefix, marks.suffix, marks.middle, marks.eot} & set(ids)
    assert ends == sorted(ends) and len(ends) == len(ids) and (not ends or ends[-1] == len(text))


@relaxed
@given(FILES, st.sampled_from([32, 64]))
def test_only_where_a_file_ends_does_the_end_of_text_follow(
    starter: ModelInfo, tokenizer: TextTokenizer, files: list[str], context: int
) -> None:
    texts = [File(file, "Python") for file in files]
    made = Documents(starter, tokenizer, values(context=context, fim_rate=0.0)).of(texts, Random(1))
    pieces = iter(made)
    for file in filter(None, files):
        seen = ""
        while seen != file:
            document = next(pieces)
            seen += text_of(starter, tokenizer, document)
            assert (document.ids[-1] == tokenizer.marks.eot) == (seen == file)
            assert document.weights == [0.0] + [1.0] * (len(document.ids) - 1)
    assert next(pieces, None) is None


def test_a_run_that_wants_tree_sitter_is_not_gone_on_with_without_it(
    starter: ModelInfo, tokenizer: TextTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syntax, "find_spec", lambda name: None)
    with pytest.raises(RefactError, match="tree-sitter, which is not here"):
        Documents(starter, tokenizer, values(fim_nodes="tree-sitter"))


def test_weights_lie_on_what_the_model_is_to_say(starter: ModelInfo, tokenizer: TextTokenizer) -> None:
    text = "def add(first, second):\n    total = first + second\n    return total\n"
    marks = tokenizer.marks
    for layout in LAYOUTS:
        info = replace(starter, fim_layout=layout)
        for seed in range(30):
            documents = Documents(info, tokenizer, values(fim_rate=1.0, context_weight=0.25)).of(
                [File(text, "Python")], Random(seed)
            )
            (document,) = documents
            parts = parts_of(info, tokenizer, document)
            assert parts is not None and "".join(parts) == text
            for id_, weight in zip(document.ids, document.weights, strict=True):
                assert (weight == 0.0) == (id_ in (marks.prefix, marks.suffix, marks.middle))
            said = [id_ for id_, weight in zip(document.ids, document.weights, strict=True) if weight == 1.0]
            assert said[-1] == marks.eot
            assert document.ids[-len(said) :] == said
            assert tokenizer.decode(said) in text


@relaxed
@given(FILES.filter(lambda files: any(decode(file.encode()) for file in files)), st.integers(0, 60), st.integers(0, 2))
def test_the_stream_can_be_entered_anywhere(
    starter: ModelInfo, tokenizer: TextTokenizer, folder: Path, files: list[str], place: int, seed: int
) -> None:
    with small_groups(), texts_of(folder, files * 3) as texts:

        def stream(epoch: int = 0, index: int = 0) -> Iterator[tuple[int, int, Any]]:
            return Rows(texts, starter, tokenizer, values(context=64, seed=seed)).stream(epoch, index)

        whole = list(islice(stream(), place + 20))
        epoch, index, _ = whole[place]
        assert list(islice(stream(epoch, index + 1), 19)) == whole[place + 1 :]


def test_the_order_depends_on_seed_and_epoch(starter: ModelInfo, tokenizer: TextTokenizer, folder: Path) -> None:
    files = [f"def f{number}(x):\n    return x + {number}\n" * 9 for number in range(40)]
    with texts_of(folder, files) as texts:

        def epoch(seed: int, number: int) -> list[Any]:
            return list(Rows(texts, starter, tokenizer, values(seed=seed)).epoch(number))

        assert epoch(1, 0) == epoch(1, 0)
        assert epoch(1, 0) != epoch(2, 0)
        assert epoch(1, 0) != epoch(1, 1)


def test_going_on_reads_only_the_group_that_it_goes_on_in(
    starter: ModelInfo, tokenizer: TextTokenizer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [f"value_{number} = {number}\n" * 30 for number in range(60)]
    with small_groups(), texts_of(folder, files) as texts:
        rows = Rows(texts, starter, tokenizer, values())
        epoch, index, _ = list(islice(rows.stream(), 40))[-1]
        read: list[Member] = []
        get = Texts.get
        monkeypatch.setattr(Texts, "get", lambda self, member: read.append(member) or get(self, member))  # type: ignore[func-returns-value]
        next(rows.stream(epoch, index))
    assert epoch == 0 and 0 < len(read) <= 3


def test_files_without_text_are_told(starter: ModelInfo, tokenizer: TextTokenizer, folder: Path) -> None:
    none: list[list[str | bytes]] = [[], [""], ["", b"\x81"]]
    for files in none:
        with texts_of(folder, files) as texts, pytest.raises(ValueError, match="no text"):
            next(Rows(texts, starter, tokenizer, values()).stream())


def test_crlf_tabs_and_marks_of_byte_order(starter: ModelInfo, tokenizer: TextTokenizer, folder: Path) -> None:
    text = "if a:\n\tb = 'é'  # \ufeff\x0c\n\n\treturn\n"
    files = [
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        text.encode("utf-16"),
    ]
    with texts_of(folder, files) as texts:
        rows = list(Rows(texts, starter, tokenizer, values(fim_rate=0.0)).epoch(0))
    assert [text_of(starter, tokenizer, one) for row in rows for one in row.sequences] == [text] * len(files)


def test_the_held_out_rows_are_the_same_plain_text_each_time(
    starter: ModelInfo, tokenizer: TextTokenizer, folder: Path
) -> None:
    files = [f"def f{number}():\n    return {number}\n" * (1 + number) for number in range(50)]
    with texts_of(folder, files) as texts:
        rows = held_out_rows(texts, starter, tokenizer, 128, 6, seed=3)
        assert rows == held_out_rows(texts, starter, tokenizer, 128, 6, seed=3)
    assert 0.8 * 6 * 128 < sum(row.used for row in rows) <= 6 * 128
    for row in rows:
        for document in row.sequences:
            assert any(tokenizer.decode(document.ids) in file for file in files)
            assert document.weights == [0.0] + [1.0] * (len(document.ids) - 1)


@pytest.mark.parametrize("context", [512, 2048])
def test_packing_wastes_less_than_two_percent_of_real_code(
    starter: ModelInfo, tokenizer: TextTokenizer, folder: Path, context: int
) -> None:
    import textual

    sources = sorted(Path(textual.__file__).parent.glob("*.py"))
    with texts_of(folder, [source.read_bytes() for source in sources]) as texts:
        rows = list(Rows(texts, starter, tokenizer, values(context=context)).epoch(0))
    assert len(rows) > 100
    assert sum(row.used for row in rows) > 0.98 * context * len(rows)


def test_a_manifest_keeps_what_the_rows_depend_on(tmp_path: Path) -> None:
    members = [Member("a" * 64, "src/é.py", "train", "Python", 12), Member("b" * 64, "x", "test")]
    write_manifest(tmp_path / "manifest.jsonl", members)
    assert read_manifest(tmp_path / "manifest.jsonl") == members


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_holds_the_parts_once_and_ends_with_the_end_of_text(layout: Any, small_model: ModelInfo) -> None:
    ids = infill_document(replace(small_model, fim_layout=layout), MARKS, [1, 2], [3, 4], [5, 6])
    assert ids[-3:] == [5, 6, MARKS.eot]
    assert sorted(id_ for id_ in ids if id_ < 1000) == [1, 2, 3, 4, 5, 6]
    assert [ids.count(mark) for mark in (1000, 1001, 1002, 1003)] == [1, 1, 1, 1]


def test_the_contiguous_layout_puts_the_middle_right_behind_the_prefix(small_model: ModelInfo) -> None:
    assert infill_prompt(small_model, MARKS, [1, 2], [3, 4]) == [1000, 1001, 3, 4, 1002, 1, 2]


@settings(deadline=None)
@given(st.lists(st.integers()), st.lists(st.integers()), st.integers(-3, 50))
def test_trimming_keeps_what_is_nearest_to_the_cursor(prefix: list[int], suffix: list[int], room: int) -> None:
    ahead, behind = trim(prefix, suffix, room)
    assert len(ahead) + len(behind) <= max(room, 0)
    assert prefix[len(prefix) - len(ahead) :] == ahead
    assert suffix[: len(behind)] == behind
