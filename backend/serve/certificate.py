"""The endpoint's certificate: read and checked at the start, and again whenever its files have become others."""

import asyncio
import logging
import ssl
from pathlib import Path

from backend.errors import BadRequest

log = logging.getLogger("refact.certificate")
LOOK_S = 60.0
"""Certificates are renewed every few weeks; clients that come within a minute of that get the old one."""


def load(certificate: str, private_key: str) -> ssl.SSLContext | None:
    """What connections are encrypted with; None where neither file is named.

    Raises BadRequest, naming the file, where the two cannot serve."""
    if not certificate and not private_key:
        return None
    if not certificate or not private_key:
        missing = "tls_key" if certificate else "tls_cert"
        raise BadRequest(f"TLS needs a certificate and its private key; {missing} is not set.", _again(missing))
    for name, path in (("tls_cert", certificate), ("tls_key", private_key)):
        try:
            Path(path).read_bytes()
        except OSError as error:
            raise BadRequest(f"{path} ({name}) cannot be read: {error.strerror}.", _again(name)) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, private_key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        raise BadRequest(
            f"{certificate} and {private_key} are no PEM certificate and its private key without a password: "
            f"{getattr(error, 'reason', None) or error}.",
            _again("tls_cert"),
        ) from error
    return context


async def follow(context: ssl.SSLContext, certificate: str, private_key: str) -> None:
    """Take up what the files become, for connections from then on; what cannot serve leaves all as it was."""
    known = _signs(certificate, private_key)
    while True:
        await asyncio.sleep(LOOK_S)
        if (signs := _signs(certificate, private_key)) == known:
            continue
        known = signs
        try:
            load(certificate, private_key)
            context.load_cert_chain(certificate, private_key, password=lambda: b"")
        except (BadRequest, OSError, ssl.SSLError) as error:
            log.warning("the certificate is not renewed: %s", error)
        else:
            log.info("the certificate was renewed from %s", certificate)


def _signs(*paths: str) -> list[tuple[int, int]]:
    """What changes with a file."""
    found = []
    for path in paths:
        try:
            told = Path(path).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((told.st_mtime_ns, told.st_ino))
    return found


def _again(name: str) -> str:
    return f"Start without (refact-tui engine start --no-tls), then set it: refact-tui settings set {name} FILE"
