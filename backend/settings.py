"""Settings of the engine and what it has measured, as JSON values by name."""

import json
from typing import Any

from backend.store.database import Database


async def get(db: Database, name: str) -> Any:
    """The value of a setting; None where it was never set."""
    row = await db.fetch_one("SELECT value FROM settings WHERE name = ?", (name,))
    return json.loads(row["value"]) if row else None


async def set(db: Database, name: str, value: Any) -> None:
    """Keep a value that JSON can hold."""
    await db.execute(
        "INSERT INTO settings(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        (name, json.dumps(value)),
    )
