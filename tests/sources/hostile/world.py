"""A small world around one real engine: hostile sources go in, and nothing outside the state folder may change."""

import errno
import hashlib
import http.client
import os
import re
import shutil
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from backend import wire
from backend.paths import Paths
from refact_tui.client import Client, EngineError
from tests.e2e.engine_box import Box
from tests.sources.test_links import make_certificate

Facts = dict[str, tuple[int, int, int, str]]
GOOD = 6
"""Files of the source that any scan must go on accepting."""
ENDED = {"done", "failed", "stopped"}
DANGEROUS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
CANARIES = (
    (".bashrc", "alias ls='ls'\n"),
    (".ssh/authorized_keys", "ssh-ed25519 AAAA canary\n"),
    (".gitconfig", "[core]\n\thooksPath = /nowhere\n"),
    ("work/main.py", "canary = True\n"),
)


class World:
    """One folder: the state of an engine, and beside it a home, a temporary folder and the sources."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.sources, self.trap = root, root / "sources", root / "sprung"
        self.box = Box(root / "state", port)
        for name, text in CANARIES:
            path = root / "home" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for folder in ("tmp", "sources"):
            (root / folder).mkdir()
        self.box.environment |= {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "LANG": "C.UTF-8"}
        self.certificate = make_certificate(root) if shutil.which("openssl") else None
        if self.certificate is not None:
            trusted = str(self.certificate / "cert.pem")
            self.box.environment |= {"SSL_CERT_FILE": trusted, "GIT_SSL_CAINFO": trusted}
        self.before: Facts = {}
        self._client: Client | None = None

    def start(self) -> None:
        """The engine, and a good source, scanned."""
        self.before = self.outside()
        self.box.ok("engine", "start")
        self._client = Client(Paths(self.box.home), timeout_s=120)
        good = self.folder("good")
        for number in range(GOOD):
            body = "".join(f"def f{number}_{line}(value):\n    return value.x{line}\n" for line in range(9))
            (good / f"good{number}.py").write_text(body)
        assert self.read("good", good).state == "ready"

    @property
    def client(self) -> Client:
        assert self._client is not None
        return self._client

    def folder(self, name: str) -> Path:
        """A new folder for a source."""
        path = self.sources / name
        path.mkdir()
        return path

    def read(self, name: str, what: Path | str, **more: Any) -> wire.Source:
        """Add a source and wait until it is ready or has failed. Raises EngineError where it is refused at once."""
        self.settled(self.client.post("/sources", {"what": str(what), "name": name, **more}, wire.Source))
        return self.client.get(f"/sources/{name}", wire.Source)

    def settled(self, source: wire.Source) -> None:
        """Wait until the job that reads it has ended."""
        number = source.job
        assert number is not None
        self.box.until(lambda: self.client.get(f"/jobs/{number}", wire.Job).state in ENDED, 120, every=0.05)

    def refused(self, what: str, **more: Any) -> str:
        """The sentence with which a source is refused at once."""
        try:
            self.client.post("/sources", {"what": what, **more}, wire.Source)
        except EngineError as error:
            return f"{error.message} {error.hint}"
        raise AssertionError(f"{what!r} was added")

    def remove(self, *names: str) -> None:
        for name in names:
            self.client.delete(f"/sources/{name}")

    def scan(self) -> wire.Scan:
        """Stage 1 over every source that is ready; the good files are accepted whatever lies beside them."""
        scan = self.client.post("/scan", wire.StartScan(stage=1), wire.Scan)
        self.box.until(lambda: self.client.get("/scan", wire.Scan).state in ENDED, 180, every=0.05)
        scan = self.client.get("/scan", wire.Scan)
        assert scan.state == "done", scan.detail
        assert len([one for one in self.files("good") if one.verdict == "accepted"]) == GOOD
        return scan

    def files(self, source: str) -> list[wire.ScannedFile]:
        return self.client.get("/scan/files", wire.FilePage, source=source, limit=10_000).rows

    def healthy(self) -> bool:
        """The public endpoint answers, by the process that was started first."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=20)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200 and self.client.get("/version", wire.EngineInfo).pid > 0

    def peak(self) -> int:
        """The most memory that the engine has ever held, in bytes."""
        status = Path(f"/proc/{self.client.get('/version', wire.EngineInfo).pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        assert found is not None
        return int(found[1]) * 1024

    def outside(self) -> Facts:
        """Kind, size, time and content of everything that is not the engine's own."""
        own = os.fsencode(self.box.home)
        facts: Facts = {}
        waiting = [os.fsencode(self.root)]
        while waiting:
            path = waiting.pop()
            try:
                found = os.lstat(path)
            except OSError as error:
                assert error.errno == errno.ENAMETOOLONG, path
                continue
            digest = ""
            if stat.S_ISDIR(found.st_mode):
                waiting += [entry.path for entry in os.scandir(path) if entry.path != own]
            elif stat.S_ISREG(found.st_mode):
                digest = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
            # The state folder is made in the root, whose own time changes once with it.
            moment = 0 if path == os.fsencode(self.root) else found.st_mtime_ns
            facts[os.fsdecode(path)] = (found.st_mode, found.st_size, moment, digest)
        return facts

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Nothing outside the state folder changes meanwhile, and the engine serves before and after."""
        before = self.outside()
        yield
        after = self.outside()
        assert {path: facts for path, facts in after.items() if before.get(path) != facts} == {}
        assert set(after) == set(before) and not self.trap.exists()
        assert self.healthy()

    def shell(self, *arguments: str | bytes) -> tuple[int, bytes]:
        """Exit status and every byte that a verb writes."""
        command = [sys.executable, "-P", "-m", "refact_tui", *arguments]
        done = subprocess.run(command, capture_output=True, env=self.box.environment, cwd="/", check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self.box.close()
        subprocess.run(["rm", "-rf", str(self.root)], check=True)  # shutil calls itself once a folder


def plain(text: str | bytes) -> bool:
    """Whether a terminal only prints it: no escape sequence, control, direction or invisible character."""
    whole = text.decode() if isinstance(text, bytes) else text
    return not any(unicodedata.category(character) in DANGEROUS for character in whole if character != "\n")
