"""Addresses that would run a program, read the box or lead into its network: refused in words, at every door."""

import shutil
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from backend import wire
from tests.sources.hostile.archives import CODE, zip_of
from tests.sources.hostile.folders import SIGNS
from tests.sources.hostile.world import World, plain

pytestmark = pytest.mark.timeout(300)
ADDRESSES = {
    "ext::sh -c touch% {trap}": "ext:: is not allowed",
    "EXT::sh -c touch% {trap}": "ext:: is not allowed",
    "fd::17": "fd:: is not allowed",
    "--upload-pack=touch {trap}": "begins with a dash",
    "-u touch {trap}": "begins with a dash",
    "file:///etc": "give its path",
    "file://localhost/etc": "give its path",
    "git://host/a.git": "not allowed",
    "http://host/a.git": "not allowed",
    "ftp://host/a.zip": "not allowed",
    "javascript://host/a": "not allowed",
    "https://": "names no host",
    "https:///etc/passwd": "names no host",
    "https://-oProxyCommand=touch/a": "names no host",
    "ssh://-oProxyCommand=touch/a": "names no host",
    "ssh://-l@host/a": "names no host",
    "-oProxyCommand=touch@host:a": "begins with a dash",
    "git@-oProxyCommand=touch:a": "neither a git URL nor an absolute path",
    "https://user:hunter2@host/a.git": "password",
    "etc/passwd": "neither a git URL nor an absolute path",
    "/dev/zero": "neither a file nor a folder",
    "/no/such\x1b]0;PWNED\x07/place": "does not exist",
    "/tmp/a\nb": "line break",
    "/tmp/a\x00b": "zero byte",
    "": "nothing to add",
}
OPTIONS: tuple[tuple[dict[str, str], str], ...] = (
    ({"branch": "--upload-pack=touch"}, "cannot be the name of a branch"),
    ({"branch": "+refs/*:refs/*"}, "cannot be the name of a branch"),
    ({"branch": "a\x1b[31m"}, "cannot be the name of a branch"),
    ({"subfolder": "../../etc"}, "cannot be a subfolder"),
    ({"subfolder": "/etc"}, "cannot be a subfolder"),
    ({"name": "../../x"}, "cannot be a source's name"),
    ({"name": "\x1b]0;PWNED\x07"}, "cannot be a source's name"),
    ({"credential": "../../../home/.ssh/id"}, "no credential"),
)


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_an_address_is_refused_at_once(world: World, address: str) -> None:
    with world.untouched():
        said = world.refused(address.format(trap=world.trap))
    assert ADDRESSES[address] in said and plain(said) and "hunter2" not in said
    assert [one.name for one in world.client.get("/sources", list[wire.Source])] == ["good"]


@pytest.mark.parametrize(("options", "words"), OPTIONS, ids=lambda one: ascii(one) if isinstance(one, dict) else "")
def test_a_name_that_is_more_than_a_name_is_refused(world: World, options: dict[str, str], words: str) -> None:
    with world.untouched():
        said = world.refused("https://host.invalid/a.git", **options)
    assert words in said and plain(said)


def test_the_shell_refuses_them_too(world: World) -> None:
    trap = str(world.trap)
    with world.untouched():
        for arguments, status in (
            (["ext::sh -c touch% " + trap], 1),
            (["--upload-pack=touch " + trap], 2),
            (["--json", "--", "--upload-pack=touch " + trap], 1),
            (["--json", "file:///etc"], 1),
            (["/no/such\x1b]0;PWNED\x07/place"], 1),
            (["--json", b"/no/such/\xff\x9b31m"], 2),
            (["https://host.invalid/a.git", "--branch", "\x1b[31mEVIL\u202e"], 1),
            (["--json", "https://host.invalid/a.git", "--name", "\u202e\x9b31m"], 1),
        ):
            code, written = world.shell("sources", "add", *arguments)
            assert code == status and written.strip(), arguments
            assert b"Traceback" not in written and plain(written), (arguments, written)
            assert not [sign for sign in SIGNS if sign in written]


def test_what_goes_wrong_later_is_told_plainly(world: World) -> None:
    """A folder and an archive whose own names are hostile."""
    folder = world.folder("\x1b]0;PWNED\x07\u202e\x9b31m")
    (folder / "a.py").write_bytes(CODE)
    broken = zip_of(folder / "\x1b[31mEVIL\u202e.zip", {"a.py": CODE})
    broken.write_bytes(broken.read_bytes()[:60])
    with world.untouched():
        code, written = world.shell("sources", "add", str(folder), "--name", "odd", "--wait")
        assert code == 0 and plain(written), written
        for as_json in ([], ["--json"]):
            code, written = world.shell(
                "sources", "add", str(broken), "--name", f"odd{len(as_json)}", "--wait", *as_json
            )
            assert code == 1 and b"damaged" in written and plain(written), written
            code, written = world.shell("sources", "list", *as_json)
            assert code == 0 and b"odd" in written and plain(written), written
    shutil.rmtree(folder)
    with world.untouched():
        for name in ("odd", "odd0"):
            code, written = world.shell("sources", "sync", name, "--wait")
            assert code == 1 and b"any more" in written and plain(written), written
    world.remove("odd", "odd0", "odd1")


class Moved(BaseHTTPRequestHandler):
    """Redirects whoever asks to a loopback address, and counts who comes there."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302)
        query = self.path.partition("?")[2]
        where = f"https://127.0.0.1:{self.server.server_port}/secret.git/info/refs?{query}"  # type: ignore[attr-defined]
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_nothing_leads_into_this_network(world: World) -> None:
    if world.certificate is None:
        pytest.skip("openssl is not installed")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(world.certificate / "cert.pem", world.certificate / "key.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), Moved) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            for path in ("repository.git", "archive.zip"):
                with world.untouched():
                    source = world.read("moved", f"https://localhost:{server.server_port}/{path}")
                assert source.state == "failed" and "is an address of this network" in source.detail
                world.remove("moved")
        finally:
            server.shutdown()
            thread.join()
    assert Moved.asked == ["/repository.git/info/refs?service=git-upload-pack"]
