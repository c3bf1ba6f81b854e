"""The chat by keys: what is said and answered, kept while the screen runs, stopped, begun anew, kept on this box."""

import msgspec
import pytest
from psutil import Process

from backend import wire
from backend.context import Context
from refact_tui.frame import RefactApp
from tests.serve.chat_model import NAME
from tests.tui.golden import matches
from tests.tui.pilots import press, screen_text, sees, until
from tests.tui.stub_engine import StubEngine
from tests.tui.test_asking import host_chat_model
from tests.tui.test_serve_room import SIZES
from tests.tui.test_serve_toolbox import ADDED, SAID, STARTER, STATE, TALKER, Writer, writer

__all__ = ["writer"]
END = msgspec.structs.replace(SAID, tokens=9, total_ms=410.0)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_conversation_goes_on_where_it_was_left(
    engine: StubEngine, writer: Writer, size: tuple[int, int]
) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=size) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "C")
        await sees(pilot, "Chat with qwen2.5-coder-instruct", "stored nowhere")
        await press(pilot, *"What is FIM?", "enter")
        await sees(pilot, "› What is FIM?", "esc stops")
        writer.say("Fill in", " the middle:\n\n  prefix, \x1b[2Jsuffix", END)
        await sees(pilot, "prefix, ␛[2Jsuffix", "9 tokens · 0.4 s")
        await press(pilot, *"And", "escape")
        await until(pilot, lambda: "Chat with" not in screen_text(app), "the room")
        await press(pilot, "1", "5", "C")
        await sees(pilot, "› What is FIM?", "prefix, ␛[2Jsuffix", "And")
        await press(pilot, *" why?", "enter")
        writer.say("Editors ask so.", END)
        await sees(pilot, "› And why?", "Editors ask so.", "9 tokens")
        await pilot.pause()
        matches(app, f"serve-chat-{size[0]}x{size[1]}")
        await press(pilot, "ctrl+y")
        assert app.clipboard == "Editors ask so."
        await press(pilot, "ctrl+n")
        await sees(pilot, "A new conversation")
        assert "FIM" not in screen_text(app)
        await press(pilot, "shift+tab", "y")
        await sees(pilot, "There is no answer to copy")
    first, second = engine.asked_for("POST /ask/stream")
    assert (first["said"], first["before"], first["model"]) == ("What is FIM?", [], TALKER.name)
    assert (second["said"], second["command"]) == ("And why?", None)
    assert second["before"] == [
        {"role": "user", "text": "What is FIM?"},
        {"role": "assistant", "text": "Fill in the middle:\n\n  prefix, \x1b[2Jsuffix"},
    ]


async def test_escape_stops_and_what_was_not_answered_comes_back(engine: StubEngine, writer: Writer) -> None:
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "C")
        await sees(pilot, "Chat with")
        await press(pilot, *"one", "enter")
        await sees(pilot, "› one", "esc stops")
        await press(pilot, "escape")
        await until(pilot, lambda: writer.left, "the end of the work")
        await sees(pilot, "stopped")
        await until(pilot, lambda: "› one" not in screen_text(app), "the question's way back")
        await press(pilot, "enter")
        writer.say("half")
        await sees(pilot, "› one", "half")
        await press(pilot, *"two", "escape")
        await sees(pilot, "stopped")
        await press(pilot, "enter")
        writer.say(wire.ErrorBody(code="failed", message="The worker died.", hint="Ask again."))
        await sees(pilot, "✗ The worker died. Ask again.")
        await until(pilot, lambda: "› two" not in screen_text(app), "the question's way back")
        assert "two" in screen_text(app) and "half" in screen_text(app)
    asked = engine.asked_for("POST /ask/stream")
    assert [one["said"] for one in asked] == ["one", "one", "two"]
    assert [turn["text"] for turn in asked[-1]["before"]] == ["one", "half"]


async def test_what_was_said_here_does_not_go_elsewhere(engine: StubEngine, writer: Writer) -> None:
    other = msgspec.structs.replace(TALKER, name="codestral")
    engine.state = msgspec.structs.replace(STATE, models=[STARTER, TALKER, other])
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5")
        await sees(pilot, "openai/gpt-4o-mini")
        await press(pilot, "C", *"secret", "enter")
        writer.say("Yes.", END)
        await sees(pilot, "9 tokens")
        await press(pilot, "ctrl+t")
        await sees(pilot, "Who answers", "this box", "leaves box")
        await press(pilot, "j", "enter")
        await sees(pilot, "Chat with codestral", "› secret")
        await press(pilot, "ctrl+t")
        await sees(pilot, "Who answers")
        await press(pilot, "G", "enter")
        await sees(pilot, "Chat with openai/gpt-4o-mini · leaves this box", "stays on this box")
        assert "› secret" not in screen_text(app)
        await press(pilot, *"hi", "enter")
        await sees(pilot, "› hi")
    last = engine.asked_for("POST /ask/stream")[-1]
    assert (last["model"], last["said"], last["before"]) == ("openai/gpt-4o-mini", "hi", [])


async def test_where_nobody_chats_it_is_said(engine: StubEngine, writer: Writer) -> None:
    engine.state = msgspec.structs.replace(STATE, models=[STARTER, ADDED])
    engine.answers["GET /elsewhere"] = []
    app = RefactApp(engine.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "● engine")
        await press(pilot, "5", "C")
        await sees(pilot, "starter has no chat template", "with n in Serve, qwen2.5-coder-instruct for")
        await pilot.pause()
        matches(app, "serve-chat-nobody-80x24")
        await press(pilot, *"hi", "enter")
        await sees(pilot, "There is nobody to answer.")
        await press(pilot, "ctrl+t")
        await sees(pilot, "No model chats.")
        assert not engine.asked_for("POST /ask/stream")


@pytest.mark.slow
async def test_a_real_model_is_talked_to_and_stopped(real: Context, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys, control API, worker and back: esc takes the request from the worker, which is held up meanwhile."""
    await host_chat_model(real, tmp_path_factory.mktemp("model") / NAME)
    recent = real.hosts.statistics.recent
    app = RefactApp(real.paths)
    try:
        async with app.run_test(size=(100, 30)) as pilot:
            await sees(pilot, "● engine")
            await press(pilot, "5")
            await until(pilot, lambda: real.hosts.host(NAME).state == "ready", "the model")
            await press(pilot, "C")
            await sees(pilot, f"Chat with {NAME}")
            (worker,) = [one for one in Process().children() if "backend.serve.worker" in one.cmdline()]
            worker.suspend()
            await press(pilot, *"import os", "enter")
            await until(pilot, lambda: real.hosts.waiting()[NAME] == 1, "the question")
            await press(pilot, "escape")
            await until(pilot, lambda: real.hosts.waiting()[NAME] == 0, "the end of the work")
            assert recent.list()[0].outcome == "cancelled"
            worker.resume()
            await press(pilot, "enter")
            await until(pilot, lambda: len(recent.list()) == 2, "the answer")
            await sees(pilot, " tokens")
            await press(pilot, "escape", "a")
            await sees(pilot, f"Ask {NAME} about 2 lines")
            await press(pilot, "enter")
            await sees(pilot, " · y copies")
            assert [one.outcome for one in recent.list()] == ["done", "done", "cancelled"]
    finally:
        await real.hosts.close()
