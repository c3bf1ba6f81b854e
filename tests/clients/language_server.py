"""Speaks to a language server over its stdin and stdout."""

import itertools
import json
import os
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

PATIENCE_S = 90


class LanguageServer:
    """A child process that speaks the language server protocol; `home` is its own."""

    def __init__(self, command: list[str], home: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*"}
        self._log = (home / "server.log").open("wb")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=home, env=environment
        )
        self._ids = itertools.count(1)
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.told: list[dict[str, Any]] = []
        """Notifications that came from the server."""
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream:
                stream.close()

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something."""
        self._send({"method": method, "params": params})

    def begin(self, method: str, params: Any) -> int:
        """Ask the server something without waiting for the answer; the request's number."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        return number

    def ask(self, method: str, params: Any) -> Any:
        """What the server answers. Fails for an error or when none comes."""
        number = self.begin(method, params)
        while True:
            answer = self._answers.get(timeout=PATIENCE_S)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = self._process.stdout.readline()
            message = json.loads(self._process.stdout.read(length))
            if "method" not in message:
                self._answers.put(message)
            elif "id" in message:
                # Whatever the server asks of an editor: there is nothing.
                wanted = message["params"].get("items", []) if isinstance(message.get("params"), dict) else []
                self._send({"id": message["id"], "result": [None for _ in wanted] if wanted else None})
            else:
                self.told.append(message)
