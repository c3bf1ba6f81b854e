"""Archives and folders: what is good comes out, what is hostile is counted, nothing is written."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import NotFound, RefactError, TooLarge
from backend.sources import archive, members
from backend.sources.members import Budget, Member, Place, refusals, safe_path, unique
from backend.sources.stream import members as stream
from backend.sources.stream import snapshot


def place(path: Path, kind: str, subfolder: str | None = None) -> Place:
    return Place(id=1, name="x", kind=kind, location=str(path), subfolder=subfolder)


def read(path: Path, kind: str, subfolder: str | None = None) -> tuple[dict[str, bytes | None], Counter[str]]:
    refused: Counter[str] = Counter()
    return {member.path: member.data for member in stream(place(path, kind, subfolder), refused)}, refused


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz")],
)
def test_a_tar_gives_its_files_and_counts_what_is_hostile(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        add(tar, "./src/a.py", b"a = 1\n")
        add(tar, "src", kind=tarfile.DIRTYPE)
        add(tar, "/etc/evil.py", b"x")
        add(tar, "src/../../up.py", b"x")
        add(tar, "link.py", kind=tarfile.SYMTYPE, link="/etc/passwd")
        add(tar, "hard.py", kind=tarfile.LNKTYPE, link="src/a.py")
        add(tar, "device", kind=tarfile.CHRTYPE)
        add(tar, "big.py", b"x" * (members.LARGEST_READ + 1))
        add(tar, "bad\udcff\x1b[31m.py", b"b = 2\n")
    found, refused = read(path, "archive")
    assert found == {"src/a.py": b"a = 1\n", "big.py": None, "bad\\xff\\x1b[31m.py": b"b = 2\n"}
    assert refused == {
        "absolute path": 1,
        "path with ..": 1,
        "symbolic link": 1,
        "hard link": 1,
        "device, pipe or socket": 1,
    }
    assert archive.recognise(path) == "tar"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name]


def test_a_zip_gives_its_files_and_counts_what_is_hostile(tmp_path: Path) -> None:
    path = tmp_path / "code"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("p/a.py", "a = 1\n")
        made.writestr("p/sub/b.py", "b = 2\n")
        made.writestr("/abs.py", "x")
        made.writestr("../up.py", "x")
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        made.writestr(link, "/etc/passwd")
    found, refused = read(path, "archive")
    assert found == {"p/a.py": b"a = 1\n", "p/sub/b.py": b"b = 2\n"}
    assert refused == {"absolute path": 1, "path with ..": 1, "symbolic link": 1}
    assert read(path, "archive", "p/sub")[0] == {"b.py": b"b = 2\n"}
    with pytest.raises(NotFound, match="no folder q"):
        read(path, "archive", "q")


def test_an_encrypted_member_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.py", "a = 1\n")
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert read(path, "archive") == ({}, Counter({"encrypted member": 1}))


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_truncated_archive_is_refused_in_words(tmp_path: Path, name: str) -> None:
    whole, path = tmp_path / "whole", tmp_path / name
    noise = random.Random(1).randbytes(50_000)
    if name.endswith(".zip"):
        with zipfile.ZipFile(whole, "w") as made:
            made.writestr("a.py", noise)
    else:
        with tarfile.open(whole, "w:gz") as tar:
            add(tar, "a.py", noise)
            add(tar, "b.py", noise)
    path.write_bytes(whole.read_bytes()[:30_000])
    assert archive.recognise(path) is not None
    with pytest.raises(RefactError, match="is damaged"):
        read(path, "archive")


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_bomb_is_refused(tmp_path: Path, kind: str) -> None:
    path, bomb = tmp_path / "bomb", bytes(12 * 1024**2)
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("zeros", bomb)
    else:
        with tarfile.open(path, "w:gz") as tar:
            add(tar, "zeros", bomb)
    with pytest.raises(TooLarge, match="200 times"):
        read(path, "archive")


def test_limits_on_members_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MOST_MEMBERS", 2)
    budget = Budget()
    budget.take(1)
    budget.take(1)
    with pytest.raises(TooLarge, match="members"):
        budget.take(1)
    with pytest.raises(TooLarge, match="GiB"):
        Budget().take(9 * 1024**3)
    slow = Budget()
    slow.check_time()
    later = time.monotonic() + members.LONGEST_S
    monkeypatch.setattr(time, "monotonic", lambda: later + 1)
    with pytest.raises(TooLarge, match="longer than 2 hours"):
        slow.take(1)


def test_a_folder_is_walked_without_following_links(tmp_path: Path) -> None:
    root = tmp_path / "code"
    (root / "sub").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("x")
    (root / "a.py").write_text("a = 1\n")
    (root / "sub" / ".hidden.py").write_text("h = 1\n")
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    (root / os.fsdecode(b"bad\xff.py")).write_text("b = 1\n")
    found, refused = read(root, "folder")
    assert found == {"a.py": b"a = 1\n", "bad\\xff.py": b"b = 1\n", "sub/.hidden.py": b"h = 1\n"}
    assert refused == {"symbolic link": 2, "device, pipe or socket": 1}
    assert read(root, "folder", "sub")[0] == {".hidden.py": b"h = 1\n"}
    with pytest.raises(NotFound):
        read(root, "folder", "..")
    with pytest.raises(NotFound):
        read(tmp_path / "gone", "folder")
    assert refusals(refused) == "left out: 1 × device, pipe or socket, 2 × symbolic link"


def test_a_single_file_and_its_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text("one = 1\n")
    assert read(path, "file")[0] == {"one.py": b"one = 1\n"}
    first = snapshot(place(path, "file"))
    assert (first.files, first.bytes) == (1, 8)
    path.write_text("one = 11\n")
    assert snapshot(place(path, "file")).fingerprint != first.fingerprint


def test_names_from_outside_are_printable_and_unique() -> None:
    assert safe_path("a\nb\u202e\udc80\x00\u2028é") == "a\\x0ab\\u202e\\x80\\x00\\u2028é"
    long = safe_path("x" * 4000 + ".py")
    assert len(long) == members.LONGEST_PATH and long.endswith("x.py") and "x…x" in long
    same = iter([Member("a", 1, b"1"), Member("a", 1, b"2"), Member("a", 1, b"3")])
    assert [one.path for one in unique(same)] == ["a", "a (2)", "a (3)"]
    same = iter(
        [Member("p/a.tar.gz", 1, b"1"), Member("p/a.tar.gz", 1, b"2"), Member("p/.a", 1, b""), Member("p/.a", 1, b"")]
    )
    assert [one.path for one in unique(same)] == ["p/a.tar.gz", "p/a.tar (2).gz", "p/.a", "p/.a (2)"]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstandard.compress)],
)
def test_a_single_compressed_file_is_one_member(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"main.py{suffix}"
    path.write_bytes(pack(b"a = 1\n"))
    assert archive.recognise(path) in {"gzip", "bzip2", "xz", "zstd"}
    assert read(path, "archive")[0] == {"main.py": b"a = 1\n"}
    path.write_bytes(pack(b"x" * (members.LARGEST_READ + 1)))
    (large,) = stream(place(path, "archive"))
    assert (large.size, large.data, large.head[:2]) == (members.LARGEST_READ + 1, None, b"xx")
    path.write_bytes(pack(random.Random(1).randbytes(50_000))[:20_000])
    with pytest.raises(RefactError, match="damaged"):
        read(path, "archive")


def test_a_tar_in_zstandard(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        add(tar, "src/a.py", b"a = 1\n")
        add(tar, "../up.py", b"x")
    path = tmp_path / "a.tar.zst"
    path.write_bytes(zstandard.compress(packed.getvalue()))
    assert archive.recognise(path) == "tar"
    assert read(path, "archive") == ({"src/a.py": b"a = 1\n"}, {"path with ..": 1})


def test_a_single_file_that_unpacks_to_far_too_much(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb") as bomb:
        for _ in range(64):
            bomb.write(bytes(1 << 20))
    with pytest.raises(TooLarge, match="times its size"):
        read(path, "archive")


def test_xz_in_several_streams_with_zeros_between(tmp_path: Path) -> None:
    path = tmp_path / "main.py.xz"
    path.write_bytes(lzma.compress(b"a = 1\n") + bytes(8) + lzma.compress(b"b = 2\n") + bytes(4))
    assert read(path, "archive")[0] == {"main.py": b"a = 1\nb = 2\n"}


def packed(kind: str) -> bytes:
    whole = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
            for name in ("a.py", "b/c.py"):
                made.writestr(name, name * 40)
        return whole.getvalue()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("a.py", "b/" + "ü" * 120 + ".py"):
            add(tar, name, name.encode() * 9)
    return gzip.compress(whole.getvalue(), 1) if kind == "gz" else whole.getvalue()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["zip", "tar", "gz"]), st.data())
def test_whatever_is_changed_in_an_archive_it_is_read_or_refused(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    whole = bytearray(packed(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        piece = data.draw(
            st.binary(min_size=1, max_size=12) | st.sampled_from([b"\xff" * 8, b"7" * 11, b"\x80" + b"\xff" * 11])
        )
        whole[at : at + len(piece)] = piece
    path = tmp_path / f"changed.{kind}"
    path.write_bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    try:
        found, _ = read(path, "archive")
    except RefactError as error:
        assert error.message.endswith(".") and error.message.isprintable()
    else:
        assert all(name == safe_path(name) for name in found)
