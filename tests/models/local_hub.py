"""A hub on a local socket that speaks as the real one does: repositories, tokens, gates, redirects to another host for
large files, ranges, and connections that break off."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 39 + "1"
LARGE = (".safetensors", ".bin")


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    path: str
    range: str
    token: str


@dataclass
class LocalHub:
    """What it holds and how it behaves; both may be changed while it runs."""

    port: int
    repositories: dict[str, Path] = field(default_factory=dict)
    token: str = ""
    """Where set, nothing is given without it."""
    gated: set[str] = field(default_factory=set)
    break_after: int | None = None
    """The next large file breaks off after so many bytes, once."""
    hold_after: int | None = None
    """Large files stop after so many bytes until `go_on` is set."""
    go_on: threading.Event = field(default_factory=threading.Event)
    ranges: bool = True
    spoil: bool = False
    """Large files come with one byte changed."""
    status: int = 0
    """Where set, every answer has this status."""
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    """Bytes of large files."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, name: str) -> list[Asked]:
        """The requests for large file `name`."""
        return [one for one in self.asked if one.path.endswith(f"/{name}") and one.path.startswith("/cdn/")]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub = self.hub
        path = unquote(urlsplit(self.path).path)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        hub.asked.append(Asked(self.command, path, self.headers.get("Range", ""), given))
        if hub.status:
            return self._answer(hub.status, b"sorry")
        if path.startswith("/cdn/"):
            return self._large(hub.repositories[path[5:].rpartition("/")[0]] / path.rpartition("/")[2])
        api = path.startswith("/api/models/")
        name, _, rest = path.removeprefix("/api/models/" if api else "/").partition(
            "/revision/" if api else "/resolve/"
        )
        revision, _, file = (rest or "main").partition("/")
        if hub.token and given != hub.token:
            text = "Invalid credentials in Authorization header" if given else "Repository not found"
            return self._refuse(401, "" if given else "RepoNotFound", text)
        if name not in hub.repositories:
            return self._refuse(404, "RepoNotFound", "Repository not found")
        if revision not in ("main", COMMIT):
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if api:
            return self._answer(200, json.dumps(describe(name, hub.repositories[name])).encode(), "application/json")
        if name in hub.gated and not given:
            return self._refuse(401, "GatedRepo", "Access to model is restricted")
        path_ = hub.repositories[name] / file
        if not path_.is_file():
            return self._refuse(404, "EntryNotFound", "Entry not found")
        return self._file(name, path_)

    def _file(self, name: str, path: Path) -> None:
        data = path.read_bytes()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(data).hexdigest()}"', "Accept-Ranges": "bytes"}
        if path.suffix in LARGE:
            headers |= {"X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"'}
            headers["Location"] = f"http://localhost:{self.hub.port}/cdn/{name}/{path.name}"
            return self._answer(302, b"", more=headers)
        return self._answer(200, data, more=headers)

    def _large(self, path: Path) -> None:
        hub, data = self.hub, bytearray(path.read_bytes())
        if hub.spoil:
            data[-1] ^= 1
        asked = self.headers.get("Range", "") if hub.ranges else ""
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        stop, hub.break_after = hub.break_after, None
        pause = hub.hold_after
        for at in range(start, len(data), 1024):
            if stop is not None and at - start >= stop:
                self.close_connection = True
                return
            if pause is not None and at - start >= pause:
                hub.go_on.wait(60)
                pause = None
            piece = bytes(data[at : at + 1024])
            self.wfile.write(piece)
            hub.sent += len(piece)

    def _answer(self, status: int, data: bytes, kind: str = "text/plain", more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _refuse(self, status: int, code: str, text: str) -> None:
        more = {"X-Error-Message": text, **({"X-Error-Code": code} if code else {})}
        self._answer(status, json.dumps({"error": text}).encode(), "application/json", more)


def describe(name: str, folder: Path) -> dict[str, Any]:
    """A repository as the hub's API tells of it."""
    files = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        one: dict[str, Any] = {"rfilename": path.name, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
        if path.suffix in LARGE:
            one["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
        files.append(one)
    return {"_id": "1", "id": name, "modelId": name, "sha": COMMIT, "private": False, "siblings": files}


@contextmanager
def local_hub(**repositories: Path) -> Iterator[LocalHub]:
    """A hub that runs until the block is left."""
    handler = type("Bound", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub = LocalHub(server.server_address[1], {name.replace("__", "/"): path for name, path in repositories.items()})
    handler.hub = hub  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
