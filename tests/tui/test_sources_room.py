"""Sources by keyboard alone: add, set, read again, remove, filter; hostile names stay names."""

import msgspec

from backend import wire
from refact_tui.frame import RefactApp
from tests.tui.pilots import screen_text, sees, until
from tests.tui.samples import BUSY, GITHUB, SOURCES, source
from tests.tui.stub_engine import StubEngine


def only(*sources: wire.Source) -> wire.State:
    return msgspec.structs.replace(BUSY, sources=list(sources))


async def test_the_list_and_the_detail(engine: StubEngine) -> None:
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "✓ 9f3c1a2", "◌ reading 41% 9s", "✗ failed", "git@github.com:acme/billing-api.git")
        await pilot.press("j")
        await sees(pilot, "3 members refused")
        await pilot.press("G")
        await sees(pilot, "Repository not found", "R tries again")
        await pilot.press("k")
        await sees(pilot, "41 B/100 B", "ETA 9s")


async def test_the_key_of_a_source_and_the_pinned_one_of_its_server(engine: StubEngine) -> None:
    gone = source(2, "gone", credential="lost")
    engine.state = only(SOURCES[0], source(3, "by-token", credential="ci", host_key=""), gone)
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "key: deploy-billing (SHA256:QPK1ZSAk…)", f"host key pinned: {GITHUB}")
        await pilot.press("j")
        await sees(pilot, "token: ci")
        assert "host key" not in screen_text(app)
        await pilot.press("j")
        await sees(pilot, "key: lost is gone; make one of this name: 6")
        await pilot.press("g")
        await pilot.resize_terminal(120, 36)
        await sees(pilot, f"key: deploy-billing (SHA256:QPK1ZSAk…)   host key pinned: {GITHUB}")


async def test_adding_shows_first_what_was_understood(engine: StubEngine) -> None:
    sentence = "A git repository at /srv/code, cloned whole."
    engine.answers["POST /sources/understand"] = wire.Understood(
        kind="git", name="code", location="/srv/code", sentence=sentence
    )
    engine.answers["POST /sources"] = wire.ErrorAnswer(
        error=wire.ErrorBody(code="conflict", message="There is a source named code.", hint="Give another name.")
    )
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Nothing here yet")
        await pilot.press("n")
        await sees(pilot, "Add code")
        await pilot.press(*"srv", "enter")
        await sees(pilot, "✗ There is a source named code. Give another name.")
        await pilot.press("x")
        await sees(pilot, sentence)
        engine.answers["POST /sources"] = source(9, "code", state="queued", commit=None)
        await pilot.press("ctrl+t", "enter")
        engine.publish("source", source(8, "first"))
        engine.publish("source", source(9, "code", state="queued", commit=None))
        await sees(pilot, "▌code")
    assert engine.asked_for("POST /sources")[-1] == {
        "what": "srvx", "name": None, "branch": None, "subfolder": None, "credential": None, "set": "train",
    }  # fmt: skip


async def test_set_sync_and_remove(engine: StubEngine) -> None:
    engine.state = only(source(1, "a/b c"), SOURCES[1])
    path = "/sources/a/b c"
    engine.answers[f"POST {path}/set"] = engine.answers[f"POST {path}/sync"] = source(1, "a/b c")
    engine.answers[f"DELETE {path}"] = {}
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "a/b c")
        await pilot.press("t", "s")
        await until(pilot, lambda: len(engine.asked_for(f"POST {path}/sync")) == 1, "the request")
        assert engine.asked_for(f"POST {path}/set") == [{"set": "train"}]
        await pilot.press("d")
        await sees(pilot, "Remove a/b c with its 1 204 files")
        await pilot.press("enter")
        await pilot.pause()
        assert not engine.asked_for(f"DELETE {path}")
        await pilot.press("d", "y")
        await until(pilot, lambda: len(engine.asked_for(f"DELETE {path}")) == 1, "the request")


async def test_a_refusal_of_the_engine_is_said(engine: StubEngine) -> None:
    engine.state = only(SOURCES[0])
    engine.answers["POST /sources/billing-api/sync"] = wire.ErrorAnswer(
        error=wire.ErrorBody(code="conflict", message="It is being read.", hint="Wait for it.")
    )
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "billing-api")
        await pilot.press("s")
        await sees(pilot, "It is being read. Wait for it.")


async def test_the_filter_is_live_and_esc_clears_it(engine: StubEngine) -> None:
    engine.state = BUSY
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "legacy.tar.gz")
        await pilot.press("slash", *"held")
        await until(pilot, lambda: "legacy" not in screen_text(app), "the filter")
        assert "heldout" in screen_text(app)
        await pilot.press("enter", "escape")
        await sees(pilot, "legacy.tar.gz")


async def test_hostile_names_stay_on_their_line(engine: StubEngine) -> None:
    name = "[red]x[/]\x1b[2J\n\u202e漢字e\u0301"
    engine.state = only(source(1, name, location=name, detail=name), SOURCES[2])
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "[red]x[/]␛[2J␊‹202E›", "heldout")
        assert len(screen_text(app).splitlines()) == 24
