"""Where everything lies: the state home and the names inside it."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb3", "smbfs")
) | {f"fuse.{name}" for name in ("ceph", "gcsfuse", "glusterfs", "juicefs", "rclone", "s3fs", "sshfs")}
OCTAL = re.compile(r"\\([0-7]{3})")
VOLATILE = frozenset(("ramfs", "tmpfs"))


@dataclass(frozen=True)
class FileSystem:
    """What a folder lies on, as the kernel names it."""

    name: str

    @property
    def network(self) -> bool:
        """Whether other machines write to it too, so that locks and shared memory may not hold."""
        return self.name in NETWORK

    @property
    def volatile(self) -> bool:
        return self.name in VOLATILE


@dataclass(frozen=True)
class Paths:
    """The places inside one state home. One home is one engine."""

    home: Path

    @property
    def socket(self) -> Path:
        """The control API's unix socket (0600)."""
        return self.home / "engine.sock"

    @property
    def lock(self) -> Path:
        """JSON `{"pid", "started"}` of the living engine, held with flock."""
        return self.home / "engine.lock"

    @property
    def database(self) -> Path:
        return self.home / "state.db"

    @property
    def content(self) -> Path:
        """Contents of scanned files, keyed by sha256."""
        return self.home / "content.db"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def engine_log(self) -> Path:
        return self.logs / "engine.log"

    @property
    def sources(self) -> Path:
        """Bare git clones, one folder a source id."""
        return self.home / "sources"

    @property
    def uploads(self) -> Path:
        """What came over standard input: one folder a source, named by us."""
        return self.home / "uploads"

    @property
    def credentials(self) -> Path:
        """SSH keys and tokens of sources, each a file of mode 0600."""
        return self.home / "credentials"

    @property
    def known_hosts(self) -> Path:
        """Host keys of git servers, pinned at the first connection."""
        return self.home / "known_hosts"

    @property
    def downloads(self) -> Path:
        """Files fetched by https, one folder a source id."""
        return self.home / "downloads"

    @property
    def models(self) -> Path:
        """Base models that were downloaded, one folder a model."""
        return self.home / "models"

    @property
    def models_toml(self) -> Path:
        """What the user says of families and models; need not be there."""
        return self.home / "models.toml"

    @property
    def toolbox_toml(self) -> Path:
        """What the user says of the commands that chat models are asked; need not be there."""
        return self.home / "toolbox.toml"

    @property
    def upstreams_toml(self) -> Path:
        """Servers elsewhere whose models are passed through; need not be there."""
        return self.home / "upstreams.toml"

    @property
    def scans(self) -> Path:
        return self.home / "scans"

    @property
    def runs(self) -> Path:
        """`runs/<run>/`: job.json, journal.jsonl, trainer.log, checkpoints/, train_state/."""
        return self.home / "runs"

    @property
    def cache(self) -> Path:
        """What libraries keep for themselves; may be removed at any time."""
        return self.home / "cache"

    @property
    def trash(self) -> Path:
        return self.home / "trash"

    def prepare(self) -> None:
        """Create the home and its folders with mode 0700. Raises OSError when that is impossible."""
        for folder in (self.home, self.logs, self.sources, self.uploads, self.scans, self.runs, self.trash):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home.chmod(0o700)


def find_home() -> Path:
    """`$REFACT_TUI_HOME`, else `$XDG_DATA_HOME/refact-tui`, else `~/.local/share/refact-tui`."""
    if explicit := os.environ.get("REFACT_TUI_HOME"):
        return Path(explicit).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "refact-tui"


def file_system(folder: Path, mounts: str | None = None) -> FileSystem | None:
    """What the folder lies on, by the lines of `mounts` (else the kernel's own); None where nobody says."""
    if mounts is None:
        try:
            mounts = MOUNTS.read_text(errors="surrogateescape")
        except OSError:
            return None
    found, folder = None, folder.resolve()
    depth = -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(OCTAL.sub(lambda sign: chr(int(sign[1], 8)), before.split()[4]))
        # Of two at one place the later covers the earlier.
        if folder.is_relative_to(point) and len(point.parts) >= depth:
            found, depth = FileSystem(after.split()[0]), len(point.parts)
    return found
