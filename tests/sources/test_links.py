"""Links: a file comes over real TLS, redirects are looked at again, and nothing of this network is fetched from."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import pytest

from backend import settings, wire
from backend.context import Context
from backend.errors import BadRequest, RefactError, TooLarge
from backend.sources import catalog, link, removal
from backend.sources.read import ALLOW_PRIVATE
from backend.sources.recognise import recognise

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
Handler = Callable[[str], tuple[int, list[str], bytes]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that this process trusts."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def make_certificate(folder: Path) -> Path:
    """cert.pem and key.pem for localhost and the loopback address."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:public.example,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files],
        check=True,
        capture_output=True,
    )
    return folder


@asynccontextmanager
async def server(certificate: Path, handler: Handler) -> AsyncIterator[int]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status, headers, body = handler(request.split(b" ")[1].decode())
        head = "".join(f"{line}\r\n" for line in [f"HTTP/1.1 {status} X", "Connection: close", *headers])
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield int(listening.sockets[0].getsockname()[1])
    finally:
        listening.close()


@pytest.fixture(autouse=True)
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))


def deliver(path: str) -> tuple[int, list[str], bytes]:
    if path == "/moved.py":
        return 302, ["Location: /main.py"], b""
    if path == "/away.py":
        return 302, ["Location: http://localhost/main.py"], b""
    if path == "/round.py":
        return 302, ["Location: /round.py"], b""
    if path == "/short.py":
        return 200, ["Content-Length: 100"], b"a = 1\n"
    if path == "/huge.py":
        return 200, [f"Content-Length: {1 << 40}"], b""
    if path == "/main.py":
        return 200, ["Content-Length: 6"], b"a = 1\n"
    return 404, [], b""


async def fetched(port: int, name: str, folder: Path, allow: bool = True) -> Path:
    path = folder / "main.py"
    await link.download(f"https://localhost:{port}/{name}", path, allow, lambda done, total: None)
    return path


async def test_a_file_comes_whole_and_redirects_are_followed(certificate: Path, tmp_path: Path) -> None:
    async with server(certificate, deliver) as port:
        for name in ("main.py", "moved.py"):
            assert (await fetched(port, name, tmp_path)).read_bytes() == b"a = 1\n"


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("away.py", BadRequest, "not https"),
        ("round.py", RefactError, "redirects more than"),
        ("short.py", RefactError, "did not answer as it should|too early"),
        ("huge.py", TooLarge, "larger than"),
        ("gone.py", RefactError, "status 404"),
    ],
)
async def test_what_goes_wrong_leaves_nothing(
    certificate: Path, tmp_path: Path, name: str, kind: type[Exception], words: str
) -> None:
    async with server(certificate, deliver) as port:
        with pytest.raises(kind, match=words):
            await fetched(port, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "169.254.169.254", "192.168.0.1"])
async def test_this_network_is_not_fetched_from(tmp_path: Path, host: str) -> None:
    with pytest.raises(BadRequest, match="address of this network"):
        await link.download(f"https://{host}/a.py", tmp_path / "a.py", False, lambda done, total: None)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://localhost:{port}/secret.py", "localhost is an address of this network"),
        ("https://127.0.0.1:{port}/secret.py", "127.0.0.1 is an address of this network"),
        ("https://[::ffff:127.0.0.1]:{port}/secret.py", "is an address of this network"),
        ("https://2130706433:{port}/secret.py", "is an address of this network"),
        ("http://public.example/secret.py", "not https"),
        ("file:///etc/passwd", "not https"),
        ("https://[/secret.py", "did not answer as it should"),
        ("https://pu\xffblic.example/", "did not answer as it should"),
    ],
)
async def test_a_redirect_from_outside_into_this_network_is_refused(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, words: str
) -> None:
    """A server of the open internet, which here is one of ours under an address that is not."""
    asked: list[str] = []

    def deliver(path: str) -> tuple[int, list[str], bytes]:
        asked.append(path)
        return 302, [f"Location: {location.format(port=port)}"], b""

    loop, connect = asyncio.get_running_loop(), httpcore.AnyIOBackend.connect_tcp
    look_up = loop.getaddrinfo

    async def looked_up(host: str, *more: Any, **options: Any) -> Any:
        if host == "public.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]
        return await look_up(host, *more, **options)

    async def connected(self: httpcore.AnyIOBackend, host: str, *more: Any) -> httpcore.AsyncNetworkStream:
        return await connect(self, "127.0.0.1" if host == "93.184.215.14" else host, *more)

    monkeypatch.setattr(loop, "getaddrinfo", looked_up)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connected)
    async with server(certificate, deliver) as port:
        with pytest.raises(RefactError) as caught:
            await link.download(f"https://public.example:{port}/a.py", tmp_path / "a.py", False, lambda *_: None)
    assert words in caught.value.message and asked == ["/a.py"]
    assert list(tmp_path.iterdir()) == []


async def test_nobody_there_and_an_unknown_certificate(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with pytest.raises(RefactError, match="did not answer"):
        await fetched(free, "main.py", tmp_path)
    monkeypatch.delenv("SSL_CERT_FILE")
    async with server(certificate, deliver) as port:
        with pytest.raises(RefactError, match="did not answer"):
            await fetched(port, "main.py", tmp_path)


async def test_a_link_is_a_source(context: Context, certificate: Path) -> None:
    async with server(certificate, deliver) as port:
        url = f"https://localhost:{port}/main.py"
        refused = await catalog.add(context, wire.AddSource(what=url))
        await context.jobs.wait(refused.job or 0)
        assert "address of this network" in (await catalog.get(context, "main.py")).detail
        await settings.set(context.db, ALLOW_PRIVATE, True)
        again = await catalog.sync(context, "main.py")
        await context.jobs.wait(again.job or 0)
        source = await catalog.get(context, "main.py")
        assert (source.kind, source.state, source.files, source.location) == ("file", "ready", 1, url)
        kept = context.paths.downloads / str(source.id) / "main.py"
        assert kept.read_bytes() == b"a = 1\n"
        await removal.remove(context, "main.py")
        assert not kept.parent.exists()


def test_links_are_told_from_repositories() -> None:
    assert recognise("https://example.org/a/x.tar.gz").kind == "archive"
    assert recognise("https://example.org/a/b/main.py?raw=1").kind == "file"
    assert recognise("https://example.org/a/project").kind == "git"
    assert recognise("https://example.org/a/project.git").kind == "git"
