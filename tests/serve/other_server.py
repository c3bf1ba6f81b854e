"""A server elsewhere that answers every request with the bytes it was given, however wrong they are."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress


def answer(body: bytes, status: str = "200 OK", kind: str = "application/json", more: str = "") -> list[bytes]:
    """A whole answer whose length is told truly."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return [head.encode() + body]


def events(*bodies: bytes, more: str = "") -> list[bytes]:
    """A stream that ends when the connection does."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n{more}\r\n"
    return [head.encode(), *(b"data: " + body + b"\n\n" for body in bodies)]


class OtherServer:
    """Listens on loopback; `asked` are the requests that came."""

    def __init__(self, pieces: Iterable[bytes], pause: float) -> None:
        self._pieces, self._pause = pieces, pause
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.asked.append(_whole(connection))
            for piece in self._pieces:
                connection.sendall(piece)
                time.sleep(self._pause)


def _whole(connection: socket.socket) -> bytes:
    """All of a request: what is left unread makes the system cut the answer off."""
    read = b""
    while b"\r\n\r\n" not in read and (more := connection.recv(65536)):
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    while len(body) < int(length.partition(b":")[2]) and (more := connection.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


@contextmanager
def other_server(pieces: Iterable[bytes], pause: float = 0.0) -> Iterator[OtherServer]:
    """One that sends `pieces` with pauses between them, in seconds."""
    server = OtherServer(pieces, pause)
    try:
        yield server
    finally:
        server.close()
