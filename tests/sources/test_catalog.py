"""Names of sources, and what was sent for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend import wire
from backend.context import Context
from backend.errors import Conflict
from backend.sources import catalog, upload


async def test_two_of_one_name_are_two_and_the_same_again_is_told(context: Context, tmp_path: Path) -> None:
    names = []
    for parent in ("one", "two", "three"):
        (tmp_path / parent / "code").mkdir(parents=True)
        names.append((await catalog.add(context, wire.AddSource(what=str(tmp_path / parent / "code")))).name)
    assert names == ["code", "code-2", "code-3"]
    with pytest.raises(Conflict, match="already, as 'code-2'"):
        await catalog.add(context, wire.AddSource(what=str(tmp_path / "two" / "code")))
    again = await catalog.add(context, wire.AddSource(what=str(tmp_path / "two" / "code"), name="again"))
    assert again.name == "again"
    with pytest.raises(Conflict, match="called 'again'"):
        await catalog.add(context, wire.AddSource(what=str(tmp_path / "one" / "code"), name="again"))


async def test_what_was_sent_is_kept_and_what_was_half_sent_is_cleared(context: Context) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a = "
        yield b"1\n"

    source = await upload.receive(context, "main.py", "train", pieces())
    half = context.paths.uploads / "0123456789abcdef"
    half.mkdir()
    (half / "x.tgz").write_bytes(b"half")
    await upload.clear(context)
    assert not half.exists() and Path(source.location).read_bytes() == b"a = 1\n"
