"""Which checkout a demo is run on: a real git says so, and what it refuses is none."""

import subprocess
from pathlib import Path

import pytest

from refact_tui import checkout
from refact_tui.cli.quickstart import default_source


def repository(folder: Path, files: int, size: int = 9000) -> Path:
    folder.mkdir()
    for number in range(files):
        (folder / f"m{number}.py").write_text("x" * size)
    identity = ("-c", "user.email=a@b.c", "-c", "user.name=t")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "first", "--allow-empty")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_the_repository_around_the_current_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top = repository(tmp_path / "code", checkout.FEWEST)
    below = top / "deep" / "down"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert checkout.around() == checkout.to_show() == top.resolve()
    assert default_source() == str(top.resolve())


@pytest.mark.parametrize(
    ("files", "size"), [(0, 0), (checkout.FEWEST - 1, 20_000), (checkout.FEWEST, 1000), (9, checkout.MOST + 1)]
)
def test_one_with_too_little_in_it_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, size: int
) -> None:
    monkeypatch.chdir(repository(tmp_path / "code", files, size))
    assert checkout.to_show() == checkout.own()


def test_outside_of_any_there_is_only_the_programs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkout.around() is None
    assert checkout.to_show() == checkout.own()


def test_a_program_that_was_only_installed_inside_of_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = repository(tmp_path / "code", checkout.FEWEST)
    installed = top / ".venv" / "backend"
    installed.mkdir(parents=True)
    (installed / "paths.py").touch()
    monkeypatch.setattr("refact_tui.checkout.paths.__file__", str(installed / "paths.py"))
    monkeypatch.chdir(tmp_path)
    assert checkout.own() is None and checkout.to_show() is None


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkout.around() is None and checkout.to_show() is None
