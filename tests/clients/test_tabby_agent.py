"""The real tabby-agent (npm), driven as an editor drives it: over the language server protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import wire
from backend.checkpoints import switch
from refact_tui.connect import settings
from tests.clients.install import npm
from tests.clients.language_server import LanguageServer
from tests.clients.node import script
from tests.serve.counting import count_anew, report
from tests.serve.serving_box import Box

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]
QUIET = "\n\n[anonymousUsageTracking]\ndisable = true\n"


@pytest.fixture(scope="module")
def editor(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = npm("tabby-agent")
    home = tmp_path_factory.mktemp("tabby")
    config = home / ".tabby-client" / "agent" / "config.toml"
    config.parent.mkdir(parents=True)
    shown = {one.name: one.text for one in settings(f"http://127.0.0.1:{box.port}", "starter", "box")}
    config.write_text(shown["Tabby"] + QUIET)
    box.complete(prompt="x", max_tokens=1)
    program = str(folder / "node_modules" / "tabby-agent" / "dist" / "cli.js")
    editor = LanguageServer(["node", program, "--lsp", "--stdio"], home)
    offered = {"textDocument": {"completion": {}, "inlineCompletion": {}}, "tabby": {"agent": True}}
    editor.ask(
        "initialize",
        {"processId": None, "clientInfo": {"name": "test"}, "rootUri": None, "capabilities": offered},
    )
    editor.notify("initialized", {})
    yield editor
    editor.close()


def complete(editor: LanguageServer, home: str, text: str, line: int, character: int) -> list[dict[str, Any]]:
    document = {"uri": f"file:///{home}.py", "languageId": "python", "version": 1, "text": text}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    answer = editor.ask(
        "textDocument/completion",
        {
            "textDocument": {"uri": document["uri"]},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 1},
        },
    )
    return list(answer["items"]) if isinstance(answer, dict) else list(answer or [])


def test_an_editor_completes_over_the_language_server(editor: LanguageServer, box: Box) -> None:
    count_anew(box)
    items: list[dict[str, Any]] = []
    for number in range(10):  # a small model may answer with what the agent takes for no completion
        text = f"import os\n\n\ndef join_{number}(a, b):\n    return os.path.\n\n\nprint(join_{number}('a', 'b'))\n"
        items += complete(editor, f"a{number}", text, 4, 19)
    assert items
    (count,) = report(box).checkpoints
    assert (count.model, count.requests >= len(items)) == ("starter", True)


def test_an_editor_tells_what_became_of_an_answer(box: Box, tmp_path: Path) -> None:
    count_anew(box)
    told = script("tabby_agent.cjs", "tabby-agent", tmp_path, f"http://127.0.0.1:{box.port}")
    assert told["status"] == "ready"
    assert (told["health"]["model"], told["health"]["device"]) == ("starter", "cpu")
    assert told["texts"] and (told["viewed"], told["taken"]) == (True, True)
    (count,) = report(box).checkpoints
    assert (count.shown, count.taken) == (1, 1)


def test_it_sees_a_switch_without_a_restart(editor: LanguageServer, box: Box) -> None:
    count_anew(box)
    for name in ("sign:1", "sign:2"):
        box.call(switch.use(box.ctx, wire.Use(mode="specific", checkpoint=name)))
        complete(editor, f"b{name[-1]}", f"class Box{name[-1]}:\n    def \n", 1, 8)
    assert {one.checkpoint for one in report(box).checkpoints} == {"sign:1", "sign:2"}
