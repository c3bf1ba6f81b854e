"""A running refact-lsp, as the PyPI package `refact` ships it."""

import http.client
import json
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.clients.install import refact_lsp
from tests.clients.language_server import LanguageServer
from tests.serve.serving_box import Box

TEXT = "def area(width, height):\n    return \n\n\nprint(area(2, 3))\n"
CURSOR = {"line": 1, "character": 11}


class Refact:
    """A running refact-lsp."""

    def __init__(self, box: Box, home: Path, key: str = "k") -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        command = [str(refact_lsp()), "--address-url", f"http://127.0.0.1:{box.port}", "--logs-stderr"]
        command += ["--http-port", str(self.port), "--lsp-stdin-stdout", "1", "--api-key", key]
        self.home = home
        self.editor = LanguageServer(command, home)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)) as connection:
            connection.request(method, path, json.dumps(body) if body else None)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def complete(self, stream: bool, text: str = TEXT, **changes: Any) -> tuple[int, str]:
        inputs = {"sources": {"a.py": text}, "cursor": {"file": "a.py", **CURSOR}, "multiline": False}
        # With `no_cache` it asks for another answer than before: at a temperature of its own.
        parameters = {"temperature": 0.0, "max_new_tokens": 20}
        body = {"inputs": inputs, "parameters": parameters, "model": "", "no_cache": False, "stream": stream}
        return self.ask("POST", "/v1/code-completion", {**body, **changes})

    def until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.ask("GET", "/v1/ping")[0] == 200 and self.ask("GET", "/v1/caps")[0] == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, (self.home / "server.log").read_text()[-2000:]
            time.sleep(0.2)
