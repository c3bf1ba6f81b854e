"""Every hostile source is refused or counted with its reason, and the engine goes on as if nothing had been."""

from collections.abc import Iterator

import pytest

from backend import wire
from tests.sources.hostile import repositories
from tests.sources.hostile.cases import CASES, Case
from tests.sources.hostile.world import World, plain

pytestmark = pytest.mark.timeout(300)
MOST_MEMORY = 600 << 20
"""Bytes that the engine may ever have held; some of the archives unpack to gigabytes."""


@pytest.fixture(scope="module")
def known(world: World) -> Iterator[dict[str, wire.Source]]:
    found: dict[str, wire.Source] = {}
    yield found
    world.remove(*found)


def brought(world: World, known: dict[str, wire.Source], case: Case) -> wire.Source:
    """The source of a case, read once."""
    if case.name not in known:
        what = case.make(world.folder(case.name))
        with world.untouched():
            known[case.name] = world.read(case.name, what)
    return known[case.name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_or_counted(world: World, known: dict[str, wire.Source], case: Case) -> None:
    source = brought(world, known, case)
    assert source.state == ("failed" if case.files is None else "ready"), source.detail
    assert source.files == (None if case.files is None else len(case.files)), source.detail
    assert [words for words in case.says if words not in source.detail] == [], source.detail
    assert plain(source.detail)


def test_a_scan_over_all_of_them_says_why(world: World, known: dict[str, wire.Source]) -> None:
    for case in CASES:
        brought(world, known, case)
    with world.untouched():
        scan = world.scan()
    assert scan.files == scan.accepted + scan.rejected
    for case in CASES:
        files = world.files(case.name)
        assert {one.path: one.reason for one in files} == dict(case.files or {}), case.name
        assert all(plain(one.path + one.detail) for one in files)
    assert {one.detail for one in world.files("lfs") if one.reason == "not_code"} == {
        "a Git LFS pointer: the file itself lies on the LFS server"
    }
    refused = [case.name for case in CASES if case.files is None]
    assert all(f"The source {name} could not be read." in scan.detail for name in refused)


@pytest.mark.soak
def test_a_repository_that_turns_hostile_leaves_what_was_read(world: World) -> None:
    folder = repositories.repository(world.folder("turning"), 150)
    first = world.read("turning", folder)
    repositories.tree_bomb(folder)
    with world.untouched():
        world.settled(world.client.post("/sources/turning/sync", None, wire.Source))
    source = world.client.get("/sources/turning", wire.Source)
    assert source.state == "failed" and "more than 1,000,000 members" in source.detail
    assert (source.files, source.commit) == (1, first.commit)
    world.remove("turning")


def test_memory_and_processes_stay_as_they_were(world: World, known: dict[str, wire.Source]) -> None:
    for case in CASES:
        brought(world, known, case)
    assert world.peak() < MOST_MEMORY
    assert [process.cmdline() for process in world.box.processes("git")] == []


def test_nothing_has_changed_since_before_the_engine(world: World, known: dict[str, wire.Source]) -> None:
    now = world.outside()
    sources = str(world.sources)
    assert {path: facts for path, facts in now.items() if not path.startswith(sources)} == {
        path: facts for path, facts in world.before.items() if not path.startswith(sources)
    }
