"""The shell contract: JSON shapes, exit statuses, and bad input answered in words with nothing lost."""

import heapq
import json
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from tests.e2e.engine_box import Box, free_port

pytestmark = pytest.mark.timeout(300)


def refused(box: Box, *arguments: str, code: int = 1, stdin: str = "") -> str:
    """The sentence of a verb that must fail, the same on stderr and in the JSON."""
    exit_code, answer, errors = box.run(*arguments, stdin=stdin)
    assert exit_code == code, (exit_code, answer, errors)
    assert "Traceback" not in errors
    message = str(answer["error"]["message"])
    assert message in errors
    assert set(answer["error"]) == {"code", "message", "hint"}
    return message


def test_without_an_engine_it_says_so(box: Box, tmp_path: Path) -> None:
    lone = Box(tmp_path / "nobody", free_port())
    assert "No engine answers" in refused(lone, "status", code=3)
    assert lone.ok("engine", "stop") == {"stopped": False}
    assert any(one["check"] == "engine" and one["ok"] is None for one in lone.ok("doctor"))
    assert not (tmp_path / "nobody").exists()


def test_engine_start_status_and_its_shape(box: Box) -> None:
    engine = box.ok("engine", "start")
    assert {"pid", "version", "uptime_s", "socket", "public_url"} <= set(engine)
    again = box.ok("engine", "start")
    assert again["pid"] == engine["pid"] == box.ok("engine", "status")["pid"]
    status = box.ok("status")
    assert set(status) == {"engine", "serving", "jobs"}
    assert {"model", "mode", "checkpoint", "state"} <= set(status["serving"][0])
    assert (box.home / "engine.sock").stat().st_mode & 0o777 == 0o600
    assert box.home.stat().st_mode & 0o777 == 0o700


def test_credentials_by_verb(box: Box) -> None:
    made = box.ok("credentials", "set", "deploy")
    assert made["kind"] == "ssh-key" and made["public_key"].startswith("ssh-ed25519 ")
    assert made["fingerprint"].startswith("SHA256:")
    assert box.ok("credentials", "set", "ci", "--token", stdin="not-a-real-token\n")["kind"] == "token"
    assert "not-a-real-token" not in json.dumps(box.ok("credentials", "list"))
    assert [(one["name"], one["used_by"]) for one in box.ok("credentials", "list")] == [("ci", []), ("deploy", [])]
    assert "cannot be a credential's name" in refused(box, "credentials", "set", "../deploy")
    (box.home / "known_hosts").write_text(f"host.org {made['public_key']}\n")
    assert [one["host"] for one in box.ok("credentials", "hosts")] == ["host.org"]
    assert box.ok("credentials", "forget-host", "host.org") == {} and box.ok("credentials", "hosts") == []
    assert "for good" in refused(box, "credentials", "remove", "ci", code=4)
    for name in ("ci", "deploy"):
        box.ok("credentials", "remove", name, "--yes")
    assert box.ok("credentials", "list") == []


def test_a_second_engine_is_refused(box: Box) -> None:
    box.ok("engine", "start")
    second = subprocess.run(
        [sys.executable, "-P", "-m", "backend"], env=box.environment, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert "already runs" in second.stderr.splitlines()[-1]
    assert box.ok("status")["engine"]["pid"]


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = Box(tmp_path / "state", taken.getsockname()[1])
        assert f"Port {other.port} on 127.0.0.1 cannot be used" in refused(other, "engine", "start", code=3)
        assert other.processes() == []


def test_other_addresses_need_keys(tmp_path: Path) -> None:
    other = Box(tmp_path / "state", free_port())
    other.environment["REFACT_TUI_HOST"] = "0.0.0.0"
    assert "API keys are needed" in refused(other, "engine", "start", code=3)
    other.environment |= {"REFACT_TUI_HOST": "127.0.0.1", "REFACT_TUI_PORT": "http"}
    assert "REFACT_TUI_PORT is 'http'" in refused(other, "engine", "start", code=3)


def test_a_home_too_deep_for_a_socket(tmp_path: Path) -> None:
    other = Box(tmp_path / ("deep" * 30), free_port())
    assert "too long for a socket" in refused(other, "engine", "start", code=3)


def test_wrong_usage(box: Box) -> None:
    for arguments in (
        ["nonsense"],
        ["sources"],
        ["sources", "add"],
        ["train", "start", "--steps", "many"],
        ["complete", "x"],
    ):
        exit_code, _, errors = box.run(*arguments)
        assert exit_code == 2 and errors, arguments


def test_sources_that_cannot_be_added(box: Box, tmp_path: Path) -> None:
    assert "does not exist" in refused(box, "sources", "add", "/no/such/folder", "--wait")
    assert "not allowed" in refused(box, "sources", "add", "ext::sh -c date", "--wait")
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"\x1f\x8b\x08\x00" + b"not really gzip" * 20)
    refused(box, "sources", "add", str(broken), "--name", "broken", "--wait")
    assert box.ok("sources", "remove", "broken", "--yes")["name"] == "broken"
    assert "There is no source" in refused(box, "sources", "sync", "nobody", "--wait")


def test_a_git_server_that_does_not_answer(box: Box) -> None:
    said = refused(box, "sources", "add", f"https://127.0.0.1:{free_port()}/x.git", "--name", "gone", "--wait")
    assert "git:" in said
    box.ok("sources", "remove", "gone", "--yes")


def test_removing_asks_first(box: Box, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("print('one')\n")
    added = box.ok("sources", "add", str(tmp_path / "one.py"), "--wait")
    assert {"id", "name", "kind", "set", "state", "files", "commit"} <= set(added)
    assert (added["kind"], added["state"], added["files"]) == ("file", "ready", 1)
    refused(box, "sources", "remove", added["name"], code=4)
    assert [one["name"] for one in box.ok("sources", "list")] == [added["name"]]
    box.ok("sources", "remove", added["name"], "--yes")
    assert box.ok("sources", "list") == []


def test_nothing_to_train_on_is_told_with_the_reasons(box: Box, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    (folder / "huge.py").write_text("x = 1\n" * 200_000)
    box.ok("sources", "add", str(folder), "--name", "empty", "--wait")
    scan = box.ok("scan", "run", "--wait")
    assert (scan["files"], scan["accepted"], scan["rejected"]) == (2, 0, 2)
    assert scan["reasons"] == {"not_text": 1, "too_large": 1}
    assert "0 of 2 files accepted" in refused(box, "train", "start", "--wait")
    box.ok("sources", "remove", "empty", "--yes")


def test_archives_scan_and_lists(box: Box, tmp_path: Path) -> None:
    packed = tmp_path / "code.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(heapq.__file__, "src/heapq.py")
    assert box.ok("sources", "add", str(packed), "--set", "test", "--wait")["kind"] == "archive"
    scan = box.ok("scan", "run", "--stage", "1", "--wait")
    assert scan["files"] == scan["accepted"] + scan["rejected"] == 1
    assert scan["accepted"] == scan["train"] + scan["test"] == scan["test"] == 1
    rows = box.ok("scan", "files", "--accepted", "--source", "code")
    assert [(row["path"], row["set"], row["language"]) for row in rows] == [("src/heapq.py", "test", "Python")]
    assert {"path", "source", "language", "size", "verdict", "reason", "detail", "loss", "set"} <= set(rows[0])
    box.ok("sources", "remove", "code", "--yes")


def test_unknown_names_are_refused_in_words(box: Box) -> None:
    assert "no run called" in refused(box, "train", "show", "nobody")
    assert "no checkpoint" in refused(box, "use", "nobody:3")
    assert "RUN:STEP" in refused(box, "use", "nonsense")
    assert "no best checkpoint" in refused(box, "use", "latest-best")


def test_complete_from_stdin_and_at_a_place(box: Box, tmp_path: Path) -> None:
    answer = box.ok("complete", "--max-tokens", "8", stdin="import os\n\n\ndef main(")
    assert {"text", "model", "checkpoint", "tokens", "first_token_ms", "total_ms"} <= set(answer)
    assert answer["checkpoint"] is None and 1 <= answer["tokens"] <= 8
    code = tmp_path / "code.py"
    code.write_text("def add(a, b):\n    return \n")
    assert box.ok("complete", f"{code}:2:12", "--max-tokens", "4")["model"] == "starter"
    assert "lines" in refused(box, "complete", f"{code}:99:1", code=2)


def test_what_was_asked_is_counted(box: Box) -> None:
    before = box.ok("stats")["total"]
    assert box.post({"prompt": "x = ", "max_tokens": 2})[0] == 200
    box.ok("complete", "--max-tokens", "2", stdin="x = ")
    told = box.ok("stats", "--days", "2")
    assert told["total"]["requests"] == before["requests"] + 2
    assert told["total"]["completion_tokens"] > before["completion_tokens"]
    assert [one["model"] for one in told["checkpoints"]] == ["starter"] and told["keys"][0]["key"] == ""
    box.ok("engine", "restart")
    assert box.ok("stats")["total"]["requests"] == told["total"]["requests"]
    assert box.run("stats", "--days", "0")[0] == 2


def test_the_engine_holds_no_torch(box: Box) -> None:
    pid = box.engine_pid()
    mapped = Path(f"/proc/{pid}/maps").read_text()
    assert "libtorch" not in mapped


def test_starting_is_quick_enough_to_wait_for(box: Box) -> None:
    box.ok("engine", "stop")
    assert box.processes() == []
    began = time.monotonic()
    box.ok("engine", "start")
    assert time.monotonic() - began < 30  # a measurement stands in tests/benchmarks; this only notices a hang


def test_an_archive_on_standard_input(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        packed.add(__file__, "sent/shell.py")
    command = [sys.executable, "-P", "-m", "refact_tui", "sources", "add", "-", "--wait", "--json"]
    with path.open("rb") as sent:
        done = subprocess.run(
            [*command, "--name", "../x y.tar.gz"], stdin=sent, capture_output=True, env=box.environment, check=False
        )
    source = json.loads(done.stdout)
    assert done.returncode == 0 and (source["kind"], source["files"], source["name"]) == ("archive", 1, "x-y")
    kept = Path(source["location"])
    assert kept.is_file() and kept.parent.parent == box.home / "uploads"
    box.ok("sources", "remove", "x-y", "--yes")
    assert not kept.parent.exists()
    code, answer, _ = box.run("sources", "add", "-", "--name", "empty.zip")
    assert code == 1 and "empty" in answer["error"]["message"] and not list((box.home / "uploads").iterdir())
    assert box.run("sources", "add", "-")[0] == 2


def test_what_is_accepted_can_be_changed(box: Box, tmp_path: Path) -> None:
    folder = tmp_path / "changing"
    folder.mkdir()
    for number in range(6):
        (folder / f"m{number}.py").write_text(f"def f{number}(value):\n    return value + {number}\n")
    box.ok("sources", "add", str(folder), "--name", "changing", "--wait")
    box.ok("scan", "run", "--stage", "1", "--wait")
    masks = box.ok("scan", "masks", "--exclude", "m1.py", "--exclude", "m2.py")
    assert masks["exclude"] == ["m1.py", "m2.py"]
    rejected = {row["path"] for row in box.ok("scan", "files", "--rejected", "--source", "changing")}
    assert {"m1.py", "m2.py"} <= rejected
    box.ok("scan", "include", "m1.py", "--source", "changing")
    box.ok("scan", "exclude", "m3.py", "--source", "changing")
    rejected = {row["path"] for row in box.ok("scan", "files", "--rejected", "--source", "changing")}
    assert "m1.py" not in rejected and {"m2.py", "m3.py"} <= rejected
    assert box.ok("scan", "masks", "--remove", "m1.py", "--remove", "m2.py")["exclude"] == []
    assert box.ok("scan", "threshold", "4.5")["threshold"] == 4.5
    assert box.ok("scan", "threshold", "--default")["threshold"] is None
    assert box.ok("scan", "languages", "--off", "Python")["languages_off"] == ["Python"]
    assert box.ok("scan", "languages", "--default")["languages_off"] == []
    code, answer, errors = box.run("scan", "masks", "--remove", "never-set")
    assert code == 1 and answer["error"]["code"] == "not_found" and "never-set" in errors
    box.ok("sources", "remove", "changing", "--yes")
