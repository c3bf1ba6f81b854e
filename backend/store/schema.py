"""The tables as the first version made them; their names are the product's nouns."""

FIRST = (
    "CREATE TABLE projects(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL)",
    "INSERT INTO projects(id, name, created) VALUES (1, 'default', strftime('%Y-%m-%dT%H:%M:%fZ'))",
    """CREATE TABLE sources(
        id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id),
        name TEXT NOT NULL, kind TEXT NOT NULL, location TEXT NOT NULL, branch TEXT, subfolder TEXT,
        set_name TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, added TEXT NOT NULL,
        commit_sha TEXT, snapshot_id INTEGER, synced TEXT, UNIQUE(project_id, name))""",
    """CREATE TABLE snapshots(
        id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
        taken TEXT NOT NULL, fingerprint TEXT NOT NULL, commit_sha TEXT, files INTEGER NOT NULL,
        bytes INTEGER NOT NULL, refused TEXT NOT NULL)""",
    "CREATE INDEX snapshots_by_source ON snapshots(source_id)",
    """CREATE TABLE files(
        id INTEGER PRIMARY KEY, source_id INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
        path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT, language TEXT, text_ok INTEGER,
        stage1_reason TEXT, stage1_detail TEXT, verdict TEXT, reason TEXT, detail TEXT, loss REAL, set_name TEXT,
        seen INTEGER NOT NULL DEFAULT 0, UNIQUE(source_id, path))""",
    "CREATE INDEX files_by_content ON files(sha256)",
    "CREATE INDEX files_by_verdict ON files(verdict, reason)",
    """CREATE TABLE losses(
        sha256 TEXT NOT NULL, model TEXT NOT NULL, context INTEGER NOT NULL, text_format TEXT NOT NULL,
        loss REAL, tokens INTEGER, lines BLOB, PRIMARY KEY(sha256, model, context, text_format)) WITHOUT ROWID""",
    """CREATE TABLE scans(
        id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id), state TEXT NOT NULL,
        stage INTEGER NOT NULL, model TEXT NOT NULL, threshold REAL NOT NULL, files INTEGER NOT NULL,
        accepted INTEGER NOT NULL, rejected INTEGER NOT NULL, detail TEXT NOT NULL, elapsed_s REAL NOT NULL,
        summary TEXT, started TEXT, ended TEXT)""",
    """CREATE TABLE runs(
        id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES projects(id), name TEXT NOT NULL UNIQUE,
        model TEXT NOT NULL, state TEXT NOT NULL, wanted TEXT NOT NULL, phase TEXT NOT NULL DEFAULT '', reason TEXT,
        step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL DEFAULT 0, settings TEXT NOT NULL, plan TEXT NOT NULL,
        train_files INTEGER, test_files INTEGER, attempts INTEGER, journal_offset INTEGER,
        pid INTEGER, pid_started REAL, base_loss REAL, best_loss REAL, best_step INTEGER, last_loss REAL,
        train_loss REAL, learning_rate REAL, tokens_per_s REAL, memory_bytes INTEGER, elapsed_s REAL, eta_s REAL,
        evaluation TEXT, created TEXT NOT NULL, started TEXT, ended TEXT)""",
    """CREATE TABLE metrics(
        run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, train_loss REAL,
        test_loss REAL, learning_rate REAL, tokens_per_s REAL, PRIMARY KEY(run_id, step)) WITHOUT ROWID""",
    """CREATE TABLE checkpoints(
        run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE, step INTEGER NOT NULL, model TEXT NOT NULL,
        test_loss REAL, size INTEGER NOT NULL, path TEXT NOT NULL, made TEXT NOT NULL, PRIMARY KEY(run_id, step))""",
    """CREATE TABLE serving(
        model TEXT PRIMARY KEY, mode TEXT NOT NULL, run TEXT, step INTEGER, changed TEXT NOT NULL,
        caps_version INTEGER)""",
    """CREATE TABLE jobs(
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
        done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, unit TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '', hint TEXT NOT NULL DEFAULT '', created TEXT NOT NULL,
        started TEXT, ended TEXT)""",
    "CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
