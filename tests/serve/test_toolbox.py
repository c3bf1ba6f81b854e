"""The toolbox: the shipped commands, a user's own, and how Refact's editors are offered them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import BadRequest, NotFound
from backend.serve import toolbox
from tests.serve.chat_model import NAME, host_chat_model
from tests.serve.serving_box import Box

COMMANDS = [
    "bugs",
    "comment",
    "edit",
    "explain",
    "gen",
    "improve",
    "naming",
    "shorter",
    "summarize",
    "typehints",
    "typos",
]


def test_every_command_asks_about_the_code(tmp_path: Path) -> None:
    box = toolbox.read(tmp_path / "none.toml")
    assert list(box.commands) == COMMANDS
    for name in COMMANDS:
        system, user = toolbox.messages(box, name, "a = {file}\n{code}", "a.py", 3)
        assert system == {"role": "system", "content": box.system}
        assert ("```\na = {file}\n{code}\n```" in user["content"]) == (name != "gen")
    with pytest.raises(NotFound, match="nothing"):
        toolbox.messages(box, "nothing", "x")


def test_a_users_own_file(tmp_path: Path) -> None:
    path = tmp_path / "toolbox.toml"
    path.write_text(
        'system = "Ours."\n[commands.explain]\nask = "Explain {file}: {code}"\n[commands.typos]\noff = true\n'
        '[commands.tests]\nask = "Write tests for\\n{code}"\nsystem = "You test."\nselection = [1, 99]\n'
    )
    box = toolbox.read(path)
    assert "typos" not in box.commands and box.commands["explain"].title == "Explain the code"
    assert toolbox.messages(box, "explain", "x", "a.py")[1]["content"] == "Explain a.py: ```\nx\n```"
    offered = toolbox.customization(box)
    tests = offered["toolbox_commands"]["tests"]
    assert tests["messages"][0] == {"role": "system", "content": "You test."}
    assert tests["selection_needed"] == [1, 99] and "%CODE_SELECTION%" in tests["messages"][1]["content"]
    assert offered["system_prompts"]["default"]["text"] == "Ours."


@pytest.mark.parametrize("text", ["[", "[commands.x]\n", "[commands.x]\nask = 3\n", "other = 1\n"])
def test_what_is_off_in_it_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "toolbox.toml"
    path.write_text(text)
    with pytest.raises(BadRequest, match=r"toolbox\.toml"):
        toolbox.read(path)


@pytest.fixture
def talking(box: Box, tmp_path: Path) -> Iterator[Box]:
    host_chat_model(box, tmp_path / NAME)
    yield box
    box.call(box.ctx.hosts.give_up(NAME))


def test_capabilities_offer_it_where_a_model_chats(talking: Box) -> None:
    caps = json.loads(talking.ask("GET", "/refact-caps")[1])
    assert caps["code_chat_default_model"] == caps["chat"]["default_model"] == NAME
    assert set(caps["chat"]["models"]) == {NAME, f"{NAME}:base"}
    assert len(caps["chat"]["models"][NAME]["supports_scratchpads"]) == 1
    assert set(json.loads(caps["customization"])["toolbox_commands"]) == set(COMMANDS)
    talking.paths.toolbox_toml.write_text("[")
    assert json.loads(talking.ask("GET", "/refact-caps")[1])["customization"] == ""
    talking.paths.toolbox_toml.unlink()
