"""The address that clients are told: set, from the environment, or where the engine itself serves."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.errors import BadRequest
from backend.serve import endpoint
from backend.store.database import Database


@pytest.fixture
async def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    for name in endpoint.ENVIRONMENT.values():
        monkeypatch.delenv(name, raising=False)
    database = await Database.open(tmp_path / "state.db")
    yield database
    await database.close()


async def test_clients_are_told_another_address(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await endpoint.find(db, {})).url == "http://127.0.0.1:8008"
    await endpoint.put(db, "public_url", "https://code.example.org/")
    found = await endpoint.find(db, {"port": "9001"})
    assert (found.url, found.host, found.port) == ("https://code.example.org", "127.0.0.1", 9001)
    monkeypatch.setenv("REFACT_TUI_PUBLIC_URL", "http://box:9000")
    assert (await endpoint.find(db, {})).url == "http://box:9000"
    monkeypatch.setenv("REFACT_TUI_PUBLIC_URL", "")
    await endpoint.put(db, "public_url", None)
    assert (await endpoint.find(db, {})).url == "http://127.0.0.1:8008"


@pytest.mark.parametrize(
    "value",
    [
        "code.example.org",
        "ftp://a.b",
        "http://",
        "http://[::1",
        "http://u:p@a.b",
        "http://a.b:0",
        "http://a.b:99999",
        "http://a.b/?x",
        "http://a'b",
        "http://a\x1bb",
    ],
)
async def test_what_is_no_address_is_refused_in_words(db: Database, value: str) -> None:
    with pytest.raises(BadRequest, match="public_url is"):
        await endpoint.put(db, "public_url", value)
    assert (await endpoint.find(db, {})).url == "http://127.0.0.1:8008"


async def test_an_address_that_every_box_has_tells_nobody_anything(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in ("http://localhost:8008", "http://127.0.0.1", "https://[::1]:8008"):
        monkeypatch.setenv("REFACT_TUI_PUBLIC_URL", value)
        with pytest.raises(BadRequest) as refused:
            await endpoint.find(db, {})
        assert "Every box has that address" in refused.value.hint
