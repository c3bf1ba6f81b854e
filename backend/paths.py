"""Where everything lies: the state home and what is in it, and systemd's unit for it; standard library only."""

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    ("9p", "afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "smb3", "smbfs")
) | {f"fuse.{name}" for name in ("ceph", "gcsfuse", "glusterfs", "juicefs", "rclone", "s3fs", "sshfs")}
OCTAL = re.compile(r"\\([0-7]{3})")
VOLATILE = frozenset(("ramfs", "tmpfs"))
ELSEWHERE = "With no engine running, move the folder to a disk of this box and name it: REFACT_TUI_HOME=/that/folder"
"""What to do about a home that lies where it should not."""
UNIT = "refact-tui.service"


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
        """Whether the next reboot empties it."""
        return self.name in VOLATILE

    def trouble(self, home: Path) -> str:
        """Why the state `home` should not lie on it, in a sentence; empty where it may."""
        if self.network:
            return f"{home} lies on {self.name}, over a network: its locks do not keep two engines apart for certain."
        return f"{home} lies in memory ({self.name}) and is lost with the next reboot." if self.volatile else ""


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
        """The engine's own state, in one SQLite file (WAL: two more lie beside it while it runs)."""
        return self.home / "state.db"

    @property
    def content(self) -> Path:
        """Contents of scanned files, keyed by sha256."""
        return self.home / "content.db"

    @property
    def logs(self) -> Path:
        """What the engine and its processes log."""
        return self.home / "logs"

    @property
    def engine_log(self) -> Path:
        """What the engine says; the older part is beside it."""
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
        """`accepted.log` and `rejected.log`: what became of every file, for grep."""
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
        """What was deleted and may still be brought back."""
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
    return Path(data) / "refact-tui" if data else default_home()


def default_home() -> Path:
    """The home of an engine in whose environment nothing is said, as in systemd's."""
    return Path.home() / ".local" / "share" / "refact-tui"


def unit_file() -> Path:
    """Where systemd looks for this user's unit of the engine, whether or not it is there."""
    return Path.home() / ".config" / "systemd" / "user" / UNIT


def linger_file(user: str) -> Path:
    """Is there where systemd lets this user's units run without a session."""
    return Path("/var/lib/systemd/linger") / user


def user_name() -> str:
    """The name of this process's user, or the number of one that has none (a container's)."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


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
