"""What a run was made of: its files in pages and as they were, and the held-out places its evaluation asks for."""

from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, NotFound
from backend.models import catalog
from backend.models.tokenizer import load_tokenizer
from backend.train import examples, held_out, taught
from backend.train.dataset import Texts, read_manifest, write_manifest
from backend.train.job import Folder
from backend.train.places import LONGEST, choose
from tests.scan.conftest import context
from tests.train.tiny_run import texts, write_run

__all__ = ["context"]
STARTER = catalog.starter_folder()


async def made(ctx: Context, name: str, **settings: Any) -> Folder:
    """A run of the starter on a dozen modules, three of them held out."""
    folder = write_run(ctx.paths.runs / name, STARTER, 10, **settings)
    await ctx.db.execute(
        "INSERT INTO runs(project_id, name, model, state, wanted, settings, plan, created) "
        "VALUES (1, ?, 'starter', 'done', 'stopped', '{}', '{}', '2026-01-01')",
        (name,),
    )
    return folder


async def test_the_places_are_those_of_the_evaluation(context: Context) -> None:
    folder = await made(context, "first", seed=5)
    shown = await examples.places(context, "first", 30)
    members = [one for one in read_manifest(folder.manifest) if one.set == "test"]
    store = Texts(folder.path / "content.db", members)
    chosen = held_out.chosen(store, 5)
    store.close()
    info = catalog.starter()
    asked = choose([text for _, text in chosen], info, load_tokenizer(info), 128, 30, 5)
    assert [one.wanted for one in shown] == [place.text for place in asked]
    assert [one.max_tokens for one in shown] == [LONGEST[place.kind] for place in asked]
    code = {f"{name}.py": text for name, text in texts()}
    assert {one.path for one in shown} <= {one.path for one in members}
    for one in shown:
        text = code[one.path]
        assert one.prefix + one.wanted + one.suffix in text
        first = one.wanted.split("\n")[0]
        assert first in text.splitlines()[one.line - 1]
        assert one.stop == ([] if "\n" in one.wanted else ["\n"])
    assert await examples.places(context, "first", 5) == shown[:5]


async def test_places_beside_another_run_are_held_out_by_both(context: Context) -> None:
    folder = await made(context, "first")
    other = await made(context, "second")
    members = read_manifest(other.manifest)
    test = [one.path for one in members if one.set == "test"]
    taught_too = [type(one)(one.sha256, one.path, "train" if one.path == test[0] else one.set) for one in members]
    write_manifest(other.manifest, taught_too)
    alone = await examples.places(context, "first", 60)
    beside = await examples.places(context, "first", 60, ["second"])
    assert {one.path for one in alone} == set(test)
    assert {one.path for one in beside} == set(test[1:])
    write_manifest(other.manifest, [type(one)(one.sha256, one.path, "train") for one in members])
    with pytest.raises(NotFound, match="learnt from"):
        await examples.places(context, "first", 60, ["second"])
    for count in (0, 501):
        with pytest.raises(BadRequest):
            await examples.places(context, "first", count)
    with pytest.raises(NotFound, match="no run"):
        await examples.places(context, "third", 1)
    assert folder.manifest.exists()


async def test_files_come_in_pages_of_either_set(context: Context) -> None:
    folder = await made(context, "first")
    every = [wire.TaughtFile(path=m.path, sha256=m.sha256, set=m.set) for m in read_manifest(folder.manifest)]
    seen: list[wire.TaughtFile] = []
    offset: int | None = 0
    while offset is not None:
        page = await taught.page(context, "first", set=None, text="", limit=5, offset=offset)
        assert page.total == len(every)
        seen += page.rows
        offset = page.after
    assert seen == every
    test = await taught.page(context, "first", set="test", text="", limit=100, offset=0)
    assert test.rows == [one for one in every if one.set == "test"]
    found = await taught.page(context, "first", set=None, text="QUE", limit=100, offset=0)
    assert [one.path for one in found.rows] == ["queue.py"]
    for limit, start in ((0, 0), (taught.LONGEST_PAGE + 1, 0), (5, -1)):
        with pytest.raises(BadRequest):
            await taught.page(context, "first", set=None, text="", limit=limit, offset=start)
    folder.manifest.unlink()
    with pytest.raises(NotFound, match="is missing"):
        await taught.page(context, "first", set=None, text="", limit=5, offset=0)


async def test_a_file_is_shown_as_the_run_had_it(context: Context) -> None:
    folder = await made(context, "first")
    member = read_manifest(folder.manifest)[3]
    gone = await taught.preview(context, "first", member.sha256)
    assert gone.text == "" and "no longer kept" in gone.note
    Path(folder.path / "content.db").rename(context.paths.content)
    shown = await taught.preview(context, "first", member.sha256)
    assert (shown.file.path, shown.file.set, shown.text) == (member.path, member.set, dict(texts())["copy"])
    assert "no source has it" in shown.note
    source = await context.db.execute(
        "INSERT INTO sources(project_id, name, kind, location, set_name, state, detail, added) "
        "VALUES (1, 'acme', 'folder', '/a', 'auto', 'ready', '', '')"
    )
    await context.db.execute(
        "INSERT INTO files(source_id, path, size, sha256, language, verdict, set_name, project_id) "
        "VALUES (?, ?, 9, ?, 'Python', 'accepted', 'test', 1)",
        (source, member.path, member.sha256),
    )
    known = await taught.preview(context, "first", member.sha256)
    assert (known.file.source, known.file.language, known.note) == ("acme", "Python", "")
    with pytest.raises(NotFound, match="no file"):
        await taught.preview(context, "first", "ab" * 32)
