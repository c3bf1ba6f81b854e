"""The hostile set: what each source is made of, what is said of it, and the reason of each of its files."""

import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.sources.hostile import archives, folders, repositories

RATIO, HEADER, DAMAGED = "more than 200 times its size", "The header of a member is larger than 1 MiB", "is damaged: "
ACCEPTED: Mapping[str, str | None] = {"a.py": None}


@dataclass(frozen=True)
class Case:
    """One source; without `files` it is refused as a whole."""

    name: str
    make: Callable[[Path], Path]
    says: tuple[str, ...] = ()
    files: Mapping[str, str | None] | None = None


CASES = (
    Case("bomb-zip", archives.zip_bomb, (RATIO,)),
    Case("bomb-tar", archives.tar_bomb, (RATIO,)),
    *(Case(name, make, (RATIO,)) for name, make in archives.SINGLE_BOMBS.items()),
    Case("bomb-overlapping", archives.overlapping, (RATIO,)),
    Case("nested", archives.nested_bombs, (), {"inner.zip": "not_text", "inner.tar": "not_text", "a.py": None}),
    Case("header-name", archives.header_bomb(tarfile.GNUTYPE_LONGNAME), (HEADER,)),
    Case("header-pax", archives.header_bomb(tarfile.XHDTYPE), (HEADER,)),
    Case("header-sparse", archives.sparse_bomb, (HEADER,)),
    Case("dictionary", archives.dictionary_bomb, (DAMAGED, "Memory usage limit")),
    Case("members", archives.too_many, ("more than 1,000,000 members",)),
    Case(
        "tar-members",
        archives.hostile_tar,
        (
            "2 × absolute path",
            "2 × path with ..",
            "2 × symbolic link",
            "1 × hard link",
            "4 × device, pipe or socket",
        ),
        {"src/a.py": None, "link/through.py": None},
    ),
    Case("tar-negative", archives.tar_of_size(0, b"\xff" * 11 + b"\x9c"), (DAMAGED, "negative size")),
    Case("tar-claims", archives.tar_of_size(4 << 30, b"40000000000\0"), (RATIO,)),
    Case("tar-claims-more", archives.tar_of_size(0, b"\x80" + b"\x7f" * 11), ("more than 8 GiB",)),
    Case("tar-garbage", archives.garbage_inside, (DAMAGED, "invalid header")),
    Case("zip-claims", archives.zip_of_size, (RATIO,)),
    Case("encrypted", archives.encrypted, ("1 × encrypted member", "It has no files"), {}),
    Case("truncated", archives.truncated, (DAMAGED,)),
    Case("noise", archives.not_what_it_says, (DAMAGED,)),
    Case("same-names", archives.same_names, (), dict.fromkeys(["a.py", "a (2).py", "a (3).py", "A.py"])),
    Case(
        "tar-names",
        folders.tar_of_names,
        (),
        folders.stored(folders.INVALID[1], folders.shortened("x" * folders.LONG + ".py")),
    ),
    Case("zip-names", folders.zip_of_names, (), folders.stored(folders.shortened("x" * folders.LONG + ".py"))),
    Case("folder-names", folders.folder_of_names, (), folders.stored(folders.INVALID[1])),
    Case(
        "special",
        folders.special_files,
        ("2 × symbolic link", "2 × device, pipe or socket"),
        {"a.py": None, "hard.py": "duplicate"},
    ),
    Case("deep", folders.deep, ("1 × path too long",), ACCEPTED),
    Case("encodings", folders.encodings, (), folders.ENCODINGS),
    Case(
        "submodules",
        repositories.with_submodules,
        ("3 × submodule",),
        {"a.py": None, ".gitmodules": "vendored"},
    ),
    Case(
        "lfs",
        repositories.with_lfs,
        (),
        {"a.py": None, "weights.bin": "not_code", "model.py": "not_code", ".gitattributes": "vendored"},
    ),
    Case("refs", repositories.with_refs, (), ACCEPTED),
    Case("traps", repositories.with_traps, (), {"a.py": None, ".gitattributes": "vendored"}),
    Case("promise", repositories.with_a_promise, ("git: ",)),
    Case("tree-bomb", repositories.tree_bomb, ("more than 1,000,000 members",)),
    Case(
        "git-names",
        repositories.with_odd_names,
        ("1 × symbolic link",),
        folders.stored(folders.INVALID[1], "A.py", "a.py", "con.py", folders.shortened("x" * folders.LONG + ".py")),
    ),
    Case("broken", repositories.broken, ("git: ",)),
    Case("alternates", repositories.bare_with_links, (), ACCEPTED),
)
