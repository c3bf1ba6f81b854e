"""What may be added and what is refused, each in words."""

import os
import zipfile
from pathlib import Path

import pytest

from backend.errors import BadRequest
from backend.sources.recognise import check_branch, check_name, check_subfolder, name_of, recognise


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("https://github.com/a/billing.git", "billing"),
        ("ssh://git@host:2222/a/b.git", "b"),
        ("git@github.com:group/sub/api.git", "api"),
        ("https://host/a/b/", "b"),
    ],
)
def test_git_urls(what: str, name: str) -> None:
    found = recognise(what)
    assert (found.kind, found.name, found.location) == ("git", name, what)


@pytest.mark.parametrize(
    "what",
    [
        "",
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch x",
        "-u",
        "file:///etc",
        "http://host/a.git",
        "git://host/a",
        "https://",
        "https://-oProxyCommand=x/a",
        "ssh://-oProxyCommand=x/a",
        "-oProxyCommand=x@host:a",
        "https://u:secret@host/a.git",
        "ssh://u:secret@host/a.zip",
        "relative/path",
        "/no/such/folder",
        "/dev/null",
        "/tmp/a\nb",
    ],
)
def test_what_is_refused_is_refused_in_words(what: str) -> None:
    with pytest.raises(BadRequest) as caught:
        recognise(what)
    assert caught.value.message.endswith(".") and "secret" not in caught.value.message


def test_paths_are_recognised_by_content(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "tree" / ".git").mkdir(parents=True)
    bare = tmp_path / "bare.git"
    for part in ("objects", "refs"):
        (bare / part).mkdir(parents=True)
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    with zipfile.ZipFile(tmp_path / "renamed.txt", "w") as made:
        made.writestr("a.py", "a")
    (tmp_path / "one.py").write_text("a")
    kinds = {name: recognise(str(tmp_path / name)).kind for name in os.listdir(tmp_path)}  # noqa: PTH208
    assert kinds == {"folder": "folder", "tree": "git", "bare.git": "git", "renamed.txt": "archive", "one.py": "file"}
    assert recognise(str(bare)).name == "bare"


def test_names_branches_and_subfolders() -> None:
    assert name_of("x/my project.tar.gz") == "my-project"
    assert name_of("///") == "source"
    assert check_name("billing 2") == "billing 2"
    assert check_branch("feature/x-1.0") == "feature/x-1.0" and check_branch("") is None
    assert check_subfolder("a//b/./c/") == "a/b/c" and check_subfolder("/") is None
    for name in ("", "-x", ".x", "a/b", "x" * 61, "a\x1b", "x "):
        with pytest.raises(BadRequest):
            check_name(name)
    for branch in ("-x", "a..b", "a b", "a:b", "a^", "x.lock", "a@{1}", "+a:b"):
        with pytest.raises(BadRequest):
            check_branch(branch)
    for subfolder in ("../x", "a/../../b", "/etc", "-x", ":(glob)x"):
        with pytest.raises(BadRequest):
            check_subfolder(subfolder)
