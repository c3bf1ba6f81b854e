"""Journals: whole lines only, from an offset, whatever a kill left in the middle."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backend.jobs.journal import JournalWriter, read


def test_lines_are_read_once_from_an_offset(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert read(path, 0) == ([], 0)
    writer = JournalWriter(path)
    writer.write("step", step=1)
    lines, offset = read(path, 0)
    assert [(line["kind"], line["step"], line["v"]) for line in lines] == [("step", 1, 1)]
    assert read(path, offset) == ([], offset)
    writer.write("step", step=2)
    assert [line["step"] for line in read(path, offset)[0]] == [2]


def test_a_writer_that_was_killed_in_a_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    JournalWriter(path).write("step", step=1)
    with path.open("a") as file:
        file.write('{"v": 1, "kind": "st')
    known, offset = read(path, 0)
    assert len(known) == 1
    JournalWriter(path).write("step", step=2)
    assert [line["step"] for line in read(path, offset)[0]] == [2]


def test_lines_of_one_kind_are_left_out_and_only_those(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)
    said = 'a log that says "kind": "step"'
    for step in range(3):
        writer.write("step", step=step)
        writer.write("log", text=said)
    lines, offset = read(path, 0, "step")
    assert [line["kind"] for line in lines] == ["log"] * 3 and lines[0]["text"] == said
    assert offset == path.stat().st_size


@given(st.lists(st.text(max_size=20), max_size=8), st.data())
def test_any_cut_gives_whole_lines_and_the_rest_later(texts: list[str], data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        writer = JournalWriter(whole)
        for text in texts:
            writer.write("note", text=text)
        content = whole.read_bytes() if whole.exists() else b""
        cut = data.draw(st.integers(0, len(content)))
        part = Path(folder) / "part"
        part.write_bytes(content[:cut])
        first, offset = read(part, 0)
        part.write_bytes(content)
        second, end = read(part, offset)
        assert [line["text"] for line in first + second] == texts
        assert end == len(content)
        assert offset <= cut


def test_lines_that_are_no_journal_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('[1]\nnonsense\n{"no": "kind"}\n' + json.dumps({"kind": "x"}) + "\n")
    assert [line["kind"] for line in read(path, 0)[0]] == ["x"]
