"""A git server may move a repository on itself and to the open internet, and lead nowhere else."""

import shutil
from pathlib import Path

import pytest

from backend.errors import BadRequest, RefactError
from backend.sources.redirects import ASKED, settle
from tests.sources.test_links import certificate as certificate
from tests.sources.test_links import server, trusted

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
trusted = trusted  # the fixture that lets this process trust the certificate


def location(path: str) -> str | None:
    """Where the server sends one who asks for a repository."""
    moved = {
        "/team/code": "/team/code.git" + ASKED,
        "/round": "/round" + ASKED,
        "/http": "http://localhost/code.git" + ASKED,
        "/page": "/login?next=code",
        "/inside": "https://127.0.0.1:{port}/secret.git" + ASKED,
        "/wrong": "https://[" + ASKED,
    }
    return moved.get(path.removesuffix(ASKED))


async def settled(
    certificate: Path, path: str, allow_private: bool = False, has_token: bool = False
) -> tuple[str, str]:
    """Scheme, host and port of the server, and the rest of what an address there leads to."""

    def deliver(asked: str) -> tuple[int, list[str], bytes]:
        where = location(asked)
        return (301, [f"Location: {where.format(port=port)}"], b"") if where else (404, [], b"")

    async with server(certificate, deliver) as port:
        found = await settle(f"https://localhost:{port}{path}", allow_private, has_token)
        return found.replace(str(port), "PORT").rsplit("PORT", 1)[0], found.rsplit(str(port), 1)[1]


async def test_what_moves_on_its_own_server_is_followed(certificate: Path) -> None:
    for has_token in (False, True):
        assert await settled(certificate, "/team/code", has_token=has_token) == ("https://localhost:", "/team/code.git")
    assert await settled(certificate, "/elsewhere/") == ("https://localhost:", "/elsewhere/")
    assert await settled(certificate, "/wrong") == ("https://localhost:", "/wrong")


async def test_this_network_is_not_led_into(certificate: Path) -> None:
    with pytest.raises(BadRequest, match=r"127\.0\.0\.1 is an address of this network"):
        await settled(certificate, "/inside")
    assert await settled(certificate, "/inside", allow_private=True) == ("https://127.0.0.1:", "/secret.git")


@pytest.mark.parametrize(
    ("path", "words"), [("/http", "by https"), ("/page", "no git repository"), ("/round", "more than 5 times")]
)
async def test_what_leads_nowhere_is_told(certificate: Path, path: str, words: str) -> None:
    with pytest.raises(RefactError, match=words):
        await settled(certificate, path)


async def test_a_token_goes_to_the_server_that_was_named(certificate: Path) -> None:
    with pytest.raises(BadRequest, match="token is sent to none but the one you named"):
        await settled(certificate, "/inside", allow_private=True, has_token=True)


async def test_a_server_that_does_not_answer_is_left_to_git(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await settle("https://host.invalid/a", False, False) == "https://host.invalid/a"
    monkeypatch.delenv("SSL_CERT_FILE")
    assert await settled(certificate, "/team/code") == ("https://localhost:", "/team/code")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate / "cert.pem"))
    assert await settled(certificate, "/team/code") == ("https://localhost:", "/team/code.git")
