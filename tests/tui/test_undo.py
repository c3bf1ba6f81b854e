"""What is removed comes back by one key, on a real engine with real state: sources, sets, projects, servers, trash."""

from pathlib import Path

from textual.pilot import Pilot

from backend import projects, trash, wire
from backend.context import Context
from backend.sources import catalog, hosts, removal
from refact_tui.frame import RefactApp
from tests.tui.pilots import press, screen_text, sees, until

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


async def code(ctx: Context, folder: Path, name: str = "code") -> wire.Source:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.py").write_text("def a():\n    return 1\n")
    source = await catalog.add(ctx, wire.AddSource(what=str(folder), name=name))
    await ctx.jobs.wait(source.job or 0)
    return source


async def test_a_source_and_its_set_come_back(real: Context, tmp_path: Path) -> None:
    await code(real, tmp_path / "code")
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "▌code", "auto")
        await press(pilot, "u")
        await sees(pilot, "Nothing has been changed here that could be")
        await press(pilot, "t")
        await sees(pilot, "train")
        await press(pilot, "d")
        await sees(pilot, "Remove code with its 1 file")
        await press(pilot, "y")
        await sees(pilot, "Nothing here yet", "code lies in the trash for 14 days; u brings it back.")
        assert await catalog.list_sources(real) == []
        await press(pilot, "u")
        await sees(pilot, "▌code", "Undone: code is removed")
        assert (await catalog.get(real, "code")).set == "train"
        await press(pilot, "u")
        await sees(pilot, "Undone: code is in train")
        assert (await catalog.get(real, "code")).set == "auto"
        await press(pilot, "y")
        await sees(pilot, "Copied")
        assert app.clipboard == str(tmp_path / "code")


async def test_what_cannot_come_back_now_says_why_and_stays_in_the_trash(real: Context, tmp_path: Path) -> None:
    await code(real, tmp_path / "code")
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "▌code")
        await press(pilot, "d")
        await sees(pilot, "Remove code")
        await press(pilot, "y")
        await sees(pilot, "Nothing here yet")
        await code(real, tmp_path / "other")
        await sees(pilot, "▌code")
        await press(pilot, "u")
        await sees(pilot, "There is a source called 'code' already.")
    assert [one.name for one in await trash.everything(real)] == ["code"]


async def test_a_project_comes_back(real: Context, tmp_path: Path) -> None:
    await projects.add(real, "billing")
    await code(real, tmp_path / "code")
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "▌code", "project: billing")
        await press(pilot, "P", "d")
        await sees(pilot, "Remove billing: 1 source and what was scanned go to the")
        await press(pilot, "y")
        await sees(pilot, "billing lies in the trash for 14 days; u brings it back.", "Nothing here yet")
        await press(pilot, "u")
        await sees(pilot, "Undone: billing is removed", "▌code", "project: billing")
    assert await trash.everything(real) == []


async def to_trash(pilot: Pilot[str]) -> None:
    await sees(pilot, "● engine")
    await press(pilot, "6", "left_square_bracket", "left_square_bracket")
    await sees(pilot, "[Trash]")


async def test_a_forgotten_server_is_pinned_again(real: Context) -> None:
    real.paths.known_hosts.write_text(f"github.com ssh-ed25519 {KEY}\n")
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "6", "right_square_bracket")
        await sees(pilot, "github.com")
        await press(pilot, "tab", "d")
        await sees(pilot, "Forget the key of github.com?")
        await press(pilot, "y")
        await sees(pilot, "No server is pinned yet")
        assert hosts.pinned(real.paths) == {}
        await press(pilot, "u")
        await sees(pilot, "Undone: the key of github.com is forgotten")
        await until(pilot, lambda: "github.com" in hosts.pinned(real.paths), "the pin")


async def test_the_trash_is_seen_restored_from_and_emptied(real: Context, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        await code(real, tmp_path / name, name)
    await removal.remove(real, "one")
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await to_trash(pilot)
        await sees(pilot, "▌one", "source", "1 thing · ", "each kept for 14 days", "refact-tui trash restore one")
        await removal.remove(real, "two")
        await removal.remove(real, "three")
        await sees(pilot, "3 things", "two")
        await press(pilot, "g", "enter")
        await sees(pilot, "three is back.", "2 things")
        assert [one.name for one in await catalog.list_sources(real)] == ["three"]
        await press(pilot, "d")
        await sees(pilot, "for good?", "There is no way back.")
        await press(pilot, "enter")
        await pilot.pause()
        assert len(await trash.everything(real)) == 2, "Cancel has the focus"
        await press(pilot, "d")
        await sees(pilot, "for good?")
        await press(pilot, "y")
        await sees(pilot, "Deleted 1 thing for good", "1 thing · ")
        await press(pilot, "D")
        await sees(pilot, "Empty the trash: 1 thing")
        await press(pilot, "enter")
        assert len(await trash.everything(real)) == 1, "the word has to be typed"
        await press(pilot, *"trash", "enter")
        await sees(pilot, "The trash is empty.")
        assert await trash.everything(real) == []
        await press(pilot, "enter")
        assert "[Trash]" in screen_text(app)
        await press(pilot, "D")
        await sees(pilot, "The trash is empty.")
