"""Repositories that would run something, hold more than they seem to, or hold what is elsewhere."""

import hashlib
import subprocess
import zlib
from pathlib import Path

from tests.sources.hostile.archives import code
from tests.sources.hostile.folders import INVALID, NAMES
from tests.sources.test_git_sources import commit, run

REFS = 100_000
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 123456\n"


def repository(folder: Path, number: int) -> Path:
    """One commit with one file."""
    run(folder, "init", "-q", "-b", "main")
    (folder / "a.py").write_bytes(code(number))
    commit(folder)
    return folder


def with_submodules(folder: Path) -> Path:
    """One that is there, and two whose addresses would run or read something."""
    inner, outer = folder / "inner", folder / "outer"
    for one in (inner, outer):
        one.mkdir()
    repository(inner, 100)
    repository(outer, 101)
    run(outer, "submodule", "add", "-q", str(inner), "inner")
    text = (outer / ".gitmodules").read_text()
    for name, url in (("run", f"ext::sh -c touch% {folder.parents[1]}/sprung"), ("dash", "--upload-pack=touch sprung")):
        text += f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n'
        run(outer, "update-index", "--add", "--cacheinfo", f"160000,{run(inner, 'rev-parse', 'HEAD')},{name}")
    (outer / ".gitmodules").write_text(text)
    run(outer, "add", ".gitmodules")
    run(outer, "commit", "-qm", "submodules")
    return outer


def with_lfs(folder: Path) -> Path:
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\nmodel.py filter=lfs\n")
    for name in ("weights.bin", "model.py"):
        (folder / name).write_text(POINTER.format(hashlib.sha256(name.encode()).hexdigest()))
    return repository(folder, 102)


def with_refs(folder: Path) -> Path:
    """As many branches as a server of many years has, packed."""
    repository(folder, 103)
    head = run(folder, "rev-parse", "HEAD")
    lines = "".join(f"{head} refs/heads/old-{number:06}\n" for number in range(REFS))
    (folder / ".git" / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{lines}")
    return folder


def with_traps(folder: Path) -> Path:
    """Hooks, filters and every setting that names a program; each would leave a file behind."""
    repository(folder, 104)
    (folder / ".gitattributes").write_text("*.py filter=x diff=x merge=x\n")
    commit(folder)
    command = f"touch {folder.parents[1]}/sprung; cat"
    for name in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.pager",
        "core.editor",
        "core.alternateRefsCommand",
        "filter.x.smudge",
        "filter.x.clean",
        "filter.x.process",
        "diff.x.textconv",
        "merge.x.driver",
        "uploadpack.packObjectsHook",
        "gpg.program",
        "credential.helper",
        "alias.upload-pack",
    ):
        run(folder, "config", name, command)
    for hook in ("post-checkout", "pre-receive", "reference-transaction", "post-update", "fsmonitor-watchman"):
        file = folder / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{command}\n")
        file.chmod(0o755)
    return folder


def with_a_promise(folder: Path) -> Path:
    """A file is missing; its settings say by which program the rest would be fetched."""
    repository(folder, 105)
    trap = f"touch {folder.parents[1]}/sprung;"
    oid = run(folder, "rev-parse", "HEAD:a.py")
    (folder / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    for name, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.url", str(folder)),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", f"{trap} git-upload-pack"),
    ):
        run(folder, "config", name, value)
    return folder


def _object(folder: Path, kind: str, data: bytes) -> str:
    """Write an object as it is, with whatever it holds."""
    whole = f"{kind} {len(data)}\0".encode() + data
    oid = hashlib.sha1(whole).hexdigest()
    path = folder / ".git" / "objects" / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole, 1))
    return oid


def _committed(folder: Path, tree: str) -> Path:
    person = "t <t@t> 1700000000 +0000"
    data = f"tree {tree}\nauthor {person}\ncommitter {person}\n\nx\n".encode()
    run(folder, "update-ref", "refs/heads/main", _object(folder, "commit", data))
    return folder


def _entry(mode: str, name: bytes, oid: str) -> bytes:
    return f"{mode} ".encode() + name + b"\0" + bytes.fromhex(oid)


def tree_bomb(folder: Path) -> Path:
    """Ten million files in eight objects."""
    run(folder, "init", "-q", "-b", "main")
    below, mode = _object(folder, "blob", code(106)), "100644"
    for _ in range(7):
        below = _object(folder, "tree", b"".join(_entry(mode, b"d%d" % number, below) for number in range(10)))
        mode = "40000"
    return _committed(folder, below)


def with_odd_names(folder: Path) -> Path:
    """Names that no work tree could hold beside each other, or should."""
    run(folder, "init", "-q", "-b", "main")
    names = [name.encode("utf-8", "surrogateescape") for name in (*NAMES, INVALID[0])]
    names += [b"A.py", b"a.py", b"con.py", b"x" * 4000 + b".py"]
    entries = [
        _entry("100644", name, _object(folder, "blob", code(110 + number)))
        for number, name in enumerate(sorted(set(names)))
    ]
    entries.append(_entry("120000", b"zz-link", _object(folder, "blob", b"/etc/passwd")))
    return _committed(folder, _object(folder, "tree", b"".join(entries)))


def broken(folder: Path) -> Path:
    """Its newest commit is noise."""
    repository(folder, 140)
    oid = run(folder, "rev-parse", "HEAD")
    path = folder / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"noise")
    return folder


def bare_with_links(folder: Path) -> Path:
    """Its objects are a link to those of another place."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    repository(elsewhere, 141)
    bare = folder / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(bare)], check=True)
    (bare / "objects" / "info").mkdir(exist_ok=True)
    (bare / "objects" / "info" / "alternates").write_text(f"{elsewhere}/.git/objects\n/etc\n")
    (bare / "packed-refs").write_text(f"{run(elsewhere, 'rev-parse', 'HEAD')} refs/heads/main\n")
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    return bare
