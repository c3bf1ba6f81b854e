"""Questions about code from the shell, to a model of this box and to one elsewhere."""

from pathlib import Path

import pytest

from refact_tui.cli.ask import lines_of
from tests.cli.test_shell import refused
from tests.e2e.engine_box import Box
from tests.serve.chat_model import NAME, write_chat_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
KEY = "sk-secret-0123456789"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_text("import os\n\n\ndef add(a, b):\n    return a + b\n")
    return path


def test_places(code: Path) -> None:
    whole = code.read_text().rstrip("\n")
    assert lines_of(str(code)) == (str(code), 1, whole)
    assert lines_of(f"{code}:4-5") == (str(code), 4, "def add(a, b):\n    return a + b")
    assert lines_of(f"{code}:1") == (str(code), 1, "import os")
    for wrong in ("0", "5-4", "4-9", "7"):
        with pytest.raises(Exception, match="is no place"):
            lines_of(f"{code}:{wrong}")
    with pytest.raises(Exception, match="cannot be read"):
        lines_of(f"{code}:x")


@pytest.mark.soak
def test_a_question_is_answered_here_and_elsewhere(box: Box, code: Path, tmp_path: Path) -> None:
    assert [one["name"] for one in box.ok("ask")][:2] == ["bugs", "comment"]
    assert "does not chat" in refused(box, "ask", "explain", f"{code}:4-5")
    folder = tmp_path / NAME
    write_chat_model(folder)
    box.ok("models", "add", str(folder), "--wait")
    box.ok("serve", "host", NAME, "--wait")
    said = box.ok("ask", "explain", f"{code}:4-5", "--max-tokens", "12")
    assert said["text"] and said["model"] == NAME and said["tokens"] <= 12 and not said["leaves_box"]
    free = box.ok("ask", "--say", "What is this?", "--model", f"{NAME}:base", "--max-tokens", "4")
    assert free["text"] and free["finish_reason"] in ("stop", "length")
    assert "no command called 'dance'" in refused(box, "ask", "dance", str(code))
    assert "wants 1 to 50 lines of code, not 0" in refused(box, "ask", "bugs")

    box.ok("credentials", "set", "here", "--token", stdin=KEY)
    toml = box.home / "upstreams.toml"
    toml.write_text(f'[here]\nurl = "http://127.0.0.1:{box.port}/v1"\ncredential = "here"\nmodels = ["{NAME}"]\n')
    listed = box.ok("serve", "elsewhere")
    assert [(one["name"], one["credential"]) for one in listed] == [(f"here/{NAME}", "here")]
    away = box.ok("ask", "explain", f"{code}:4-5", "--model", f"here/{NAME}", "--max-tokens", "12")
    assert away["leaves_box"] and away["text"]
    findings = box.ok("doctor")
    assert any(one["check"] == "elsewhere" and "leaves this box" in one["finding"] for one in findings)
    assert KEY not in str([listed, away, findings, box.ok("credentials", "list"), box.ok("status")])
    toml.write_text("[here]\n")
    assert "upstreams.toml" in refused(box, "serve", "elsewhere")
    assert any(one["check"] == "elsewhere" and one["ok"] is False for one in box.ok("doctor"))
    toml.unlink()
    (box.home / "toolbox.toml").write_text('[commands.mine]\nask = "Mine: {code}"\n')
    assert box.ok("ask")[-1]["name"] == "mine"
    (box.home / "toolbox.toml").unlink()
    box.ok("serve", "unhost", NAME)
    box.ok("models", "remove", NAME)
