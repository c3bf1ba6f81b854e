"""The database's form, step by step: named functions, each in one transaction with the record that it has run."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from backend.errors import RefactError
from backend.store.schema import FIRST

Migration = Callable[[sqlite3.Connection], None]


def first_tables(connection: sqlite3.Connection) -> None:
    """Everything that the pipeline from sources to serving remembers."""
    for statement in FIRST:
        connection.execute(statement)


def files_by_hand(connection: sqlite3.Connection) -> None:
    """What a person has decided of a single file: `include`, `exclude`, or nothing."""
    connection.execute("ALTER TABLE files ADD COLUMN by_hand TEXT")


def near_duplicates(connection: sqlite3.Connection) -> None:
    """Contents that are nearly the same as an earlier one."""
    connection.execute(
        "CREATE TABLE near(sha256 TEXT PRIMARY KEY, twin TEXT NOT NULL, similarity REAL NOT NULL) WITHOUT ROWID"
    )


def sources_credential(connection: sqlite3.Connection) -> None:
    """The key or token with which a source is fetched, and the fingerprint of the server's pinned key."""
    connection.execute("ALTER TABLE sources ADD COLUMN credential TEXT")
    connection.execute("ALTER TABLE sources ADD COLUMN host_key TEXT")


def files_in_pages(connection: sqlite3.Connection) -> None:
    """What the lists of a million files are read by: the rows of each verdict, reason or language in their order."""
    connection.execute("CREATE INDEX files_of_verdict ON files(verdict, id)")
    connection.execute("CREATE INDEX files_of_reason ON files(verdict, reason, id)")
    connection.execute("CREATE INDEX files_of_language ON files(verdict, language, id)")
    connection.execute("CREATE INDEX files_of_source ON files(source_id, verdict, id)")
    connection.execute("DROP INDEX files_by_verdict")


def data_of_projects(connection: sqlite3.Connection) -> None:
    """What belongs to a project says so itself, so that one project's lists never wade through another's rows."""
    connection.execute("ALTER TABLE files ADD COLUMN project_id INTEGER NOT NULL DEFAULT 1")
    for name in ("verdict", "reason", "language"):
        columns = "verdict, id" if name == "verdict" else f"verdict, {name}, id"
        connection.execute(f"DROP INDEX files_of_{name}")
        connection.execute(f"CREATE INDEX files_of_{name} ON files(project_id, {columns})")
    connection.execute("ALTER TABLE near RENAME TO near_of_all")
    connection.execute(
        "CREATE TABLE near(project_id INTEGER NOT NULL, sha256 TEXT NOT NULL, twin TEXT NOT NULL, "
        "similarity REAL NOT NULL, PRIMARY KEY(project_id, sha256)) WITHOUT ROWID"
    )
    connection.execute("INSERT INTO near SELECT 1, sha256, twin, similarity FROM near_of_all")
    connection.execute("DROP TABLE near_of_all")
    connection.execute("ALTER TABLE serving ADD COLUMN project_id INTEGER NOT NULL DEFAULT 1")
    connection.execute("ALTER TABLE jobs ADD COLUMN project TEXT NOT NULL DEFAULT 'default'")


def near_in_pairs(connection: sqlite3.Connection) -> None:
    """Every pair of contents that are nearly the same, found from either side; at the next scan they are completed."""
    connection.execute("ALTER TABLE near RENAME TO near_once")
    connection.execute(
        "CREATE TABLE near(project_id INTEGER NOT NULL, sha256 TEXT NOT NULL, twin TEXT NOT NULL, "
        "similarity REAL NOT NULL, PRIMARY KEY(project_id, sha256, twin)) WITHOUT ROWID"
    )
    connection.execute("INSERT INTO near SELECT project_id, sha256, twin, similarity FROM near_once")
    connection.execute("DROP TABLE near_once")
    connection.execute("CREATE INDEX near_by_twin ON near(project_id, twin)")
    connection.execute("DELETE FROM settings WHERE name = 'scan.compared' OR name LIKE 'scan.compared@%'")


def files_commits_ago(connection: sqlite3.Connection) -> None:
    """How many commits ago a file was changed; nothing where git does not tell."""
    connection.execute("ALTER TABLE files ADD COLUMN commits_ago INTEGER")


def files_to_filter(connection: sqlite3.Connection) -> None:
    """All that the filter language asks of a file, one row beside the other: a million are looked through at once."""
    columns = "project_id, verdict, id, path, size, loss, set_name, language, reason, source_id"
    connection.execute(f"CREATE INDEX files_to_filter ON files({columns})")


def base_models(connection: sqlite3.Connection) -> None:
    """Base models beside the starter: where they come from, what their owner allows, and what was found in them."""
    connection.execute(
        "CREATE TABLE models(name TEXT PRIMARY KEY, kind TEXT NOT NULL, location TEXT NOT NULL, revision TEXT, "
        "commit_sha TEXT, path TEXT NOT NULL, family TEXT, credential TEXT, allow_pickle INTEGER NOT NULL, "
        "trust_remote_code INTEGER NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, found TEXT, "
        "added TEXT NOT NULL)"
    )


def files_warnings(connection: sqlite3.Connection) -> None:
    """Secrets beneath a reason that a mask may overrule, and lines that look like one."""
    connection.execute("ALTER TABLE files ADD COLUMN secret TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE files ADD COLUMN warnings TEXT NOT NULL DEFAULT ''")
    connection.execute("CREATE INDEX files_with_warnings ON files(project_id, verdict, id) WHERE warnings != ''")


def evaluation_of_checkpoints(connection: sqlite3.Connection) -> None:
    """What was measured of a checkpoint on held-out code belongs to it, not to its run."""
    connection.execute("ALTER TABLE checkpoints ADD COLUMN evaluation TEXT")


def runs_that_go_on(connection: sqlite3.Connection) -> None:
    """The checkpoint that a run goes on from, and whether it waits to be better than what is served."""
    connection.execute("ALTER TABLE runs ADD COLUMN parent TEXT")
    connection.execute("ALTER TABLE runs ADD COLUMN held_back INTEGER NOT NULL DEFAULT 0")


def what_trainers_tell(connection: sqlite3.Connection) -> None:
    """The forecast's range and how busy the device is; which checkpoints are kept whatever comes."""
    for column in ("eta_low_s", "eta_high_s", "utilisation"):
        connection.execute(f"ALTER TABLE runs ADD COLUMN {column} REAL")
    connection.execute("ALTER TABLE checkpoints ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0")


def api_keys(connection: sqlite3.Connection) -> None:
    """Who may ask for completions: the key's digest, never the key."""
    connection.execute(
        "CREATE TABLE api_keys(name TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, hint TEXT NOT NULL, "
        "created TEXT NOT NULL, last_used TEXT, requests_per_minute INTEGER, concurrent INTEGER)"
    )


def requests_counted(connection: sqlite3.Connection) -> None:
    """What was asked for, by day: sums and how long it took; an empty checkpoint is the base model."""
    counts = "requests failed refused cancelled prompt_tokens cached_tokens completion_tokens shown taken dismissed"
    columns = ", ".join(f"{name} INTEGER NOT NULL" for name in counts.split())
    connection.execute(
        f"CREATE TABLE requests(day TEXT NOT NULL, model TEXT NOT NULL, checkpoint TEXT NOT NULL, key TEXT NOT NULL, "
        f"{columns}, first_token_ms TEXT NOT NULL, total_ms TEXT NOT NULL, "
        "PRIMARY KEY(day, model, checkpoint, key)) WITHOUT ROWID"
    )


MIGRATIONS: tuple[Migration, ...] = (
    first_tables,
    files_by_hand,
    near_duplicates,
    sources_credential,
    files_in_pages,
    data_of_projects,
    near_in_pairs,
    files_commits_ago,
    files_to_filter,
    base_models,
    files_warnings,
    evaluation_of_checkpoints,
    runs_that_go_on,
    what_trainers_tell,
    api_keys,
    requests_counted,
)
"""In the order they are applied; one that has been released is never changed, only followed."""


def migrate(path: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the file to the newest form. Raises RefactError where a newer version has made it, sqlite3.Error else."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS migrations(name TEXT PRIMARY KEY, applied TEXT NOT NULL)")
        applied = {name for (name,) in connection.execute("SELECT name FROM migrations")}
        if unknown := applied - {migration.__name__ for migration in migrations}:
            raise RefactError(
                f"{path} was made by a newer refact-tui (it has {', '.join(sorted(unknown))}).",
                "Install the newer version again, or use another state folder (REFACT_TUI_HOME).",
            )
        for migration in migrations:
            if migration.__name__ not in applied:
                _apply(connection, migration)


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        migration(connection)
        connection.execute(
            "INSERT INTO migrations(name, applied) VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ'))", (migration.__name__,)
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
