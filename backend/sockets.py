"""The engine's two doors: the unix socket for the box's own user, the TCP port for IDEs."""

import os
import socket

from backend.errors import BadRequest, Conflict, RefactError
from backend.paths import Paths

LONGEST = 107
"""Bytes of a unix socket's path that the kernel takes."""


def control(paths: Paths) -> socket.socket:
    """Bound with mode 0600, in place of one that a dead engine left. Raises BadRequest for too long a path."""
    path = paths.socket
    if len(os.fsencode(path)) > LONGEST:
        raise BadRequest(
            f"The state folder's path is too long for a socket: {path} has {len(os.fsencode(path))} bytes, "
            f"{LONGEST} are possible.",
            "Set REFACT_TUI_HOME to a shorter path.",
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        raise RefactError(
            f"The socket {path} cannot be made: {error}.", "Set REFACT_TUI_HOME to a local folder of yours."
        ) from error
    finally:
        os.umask(before)
    return listener


def public(host: str, port: int) -> socket.socket:
    """Bound and listening. Raises Conflict where the port is taken or the address is not this box's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise Conflict(
            f"Port {port} on {host} cannot be used: {error.strerror or error}.",
            "Stop what uses it, or choose a free port: refact-tui engine start --port N (or REFACT_TUI_PORT).",
            code="port_in_use",
        ) from error
    return listener
