"""A certificate that is renewed is taken up by connections from then on, and one that is broken changes nothing."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from backend.errors import BadRequest
from backend.serve import certificate

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def make(folder: Path, name: str, password: str = "") -> tuple[Path, Path]:
    """A certificate that nobody has signed, and its key."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", f"/CN={name}"]
    secret = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(
        [*command, *secret, "-out", str(paths[0]), "-keyout", str(paths[1])], check=True, capture_output=True
    )
    return paths


def named(path: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


async def shown(port: int) -> bytes | None:
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return found


async def test_renewal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(certificate, "LOOK_S", 0.02)
    first = await asyncio.to_thread(make, tmp_path, "old")
    second = await asyncio.to_thread(make, tmp_path, "new")
    place, key = tmp_path / "live.pem", tmp_path / "live.key"

    def put(pair: tuple[Path, Path]) -> None:
        for source, target in zip(pair, (place, key), strict=True):
            draft = target.with_suffix(".draft")
            shutil.copy(source, draft)
            draft.replace(target)

    put(first)
    context = certificate.load(str(place), str(key))
    assert context is not None
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    following = asyncio.create_task(certificate.follow(context, str(place), str(key)))
    try:
        assert await shown(port) == named(first[0])
        key.write_text("broken\n")
        while "not renewed" not in caplog.text:  # noqa: ASYNC110 (files have no event)
            await asyncio.sleep(0.02)
        assert await shown(port) == named(first[0])
        put(second)
        while await shown(port) != named(second[0]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    finally:
        following.cancel()
        server.close()


def test_what_cannot_serve_is_named(tmp_path: Path) -> None:
    one, other = make(tmp_path, "one"), make(tmp_path, "other", password="secret")
    assert certificate.load("", "") is None
    for pair, words in (
        ((one[0], ""), "tls_key is not set"),
        (("", one[1]), "tls_cert is not set"),
        ((one[0], tmp_path / "none"), "none (tls_key) cannot be read"),
        ((tmp_path, one[1]), "(tls_cert) cannot be read"),
        ((one[0], other[1]), "without a password"),
        ((one[1], one[0]), "are no PEM certificate"),
    ):
        with pytest.raises(BadRequest) as refused:
            certificate.load(*map(str, pair))
        assert words in refused.value.message, refused.value.message
