"""Credentials by keyboard at 80×24 on a real engine: made, shown, copied, used, refused and deleted; never a secret."""

import asyncio
import getpass
import stat
from pathlib import Path

import httpx
import msgspec
import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, Static

from backend.context import Context
from backend.sources import hosts
from refact_tui.dialogs.new_credential import NEEDS_NAME, NEEDS_TOKEN
from refact_tui.frame import RefactApp
from refact_tui.signs import clean
from refact_tui.widgets.secret_input import SecretInput
from tests.sources.private_servers import Sshd, project, sshd
from tests.tui.pilots import screen_text, sees, until

__all__ = ["project", "sshd"]
TOKEN = "not-a-real-token"
HOSTILE = (
    "../evil",
    "/etc/evil",
    "-oProxyCommand=x",
    "a b",
    "x" * 41,
    "\u202exe",
    "a\x1b[2J",
    "[red]x[/]",
    "é",
)


async def opened(pilot: Pilot[str]) -> None:
    await sees(pilot, "● engine")
    await pilot.press("6", "right_square_bracket")
    await sees(pilot, "[Credentials]")


async def told(ctx: Context) -> str:
    """Everything that the engine says to anybody of its credentials."""
    transport = httpx.AsyncHTTPTransport(uds=str(ctx.paths.socket))
    async with httpx.AsyncClient(base_url="http://engine", transport=transport) as client:
        answers = [await client.get(path) for path in ("/credentials", "/credentials/hosts", "/state", "/log")]
    assert [answer.status_code for answer in answers] == [200] * 4
    events = [msgspec.json.encode(event).decode() for event in ctx.bus._ring]
    return "".join([answer.text for answer in answers] + events)


async def test_a_key_is_made_shown_again_and_copied(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await sees(pilot, "No keys or tokens yet. Press n", "No server is pinned yet")
        await pilot.press("d")
        await sees(pilot, "There is no key or token yet; n makes one.")
        await pilot.press("n", "enter")
        await sees(pilot, NEEDS_NAME)
        await pilot.press(*"deploy", "enter")
        await sees(pilot, "ssh-ed25519", "Deploy keys", "authorized_keys", "as its key deploy")
        public = (real.paths.credentials / "deploy.key.pub").read_text().strip()
        print_ = hosts.digest(public.split()[1])
        await sees(pilot, public.split()[1], print_)
        await pilot.press("y")
        await sees(pilot, "Copied")
        assert app.clipboard == public
        await pilot.press("escape")
        await sees(pilot, "▌deploy", "an Ed25519 key for ssh addresses", print_)
        app.copy_to_clipboard("")
        await pilot.press("enter")
        await sees(pilot, "Give this line to the git server")
        await pilot.press("enter", "y")
        await until(pilot, lambda: app.clipboard == public, "the copy")
    private = real.paths.credentials / "deploy.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    secret = "".join(private.read_text().splitlines()[1:-1])
    assert secret[:40] not in (await told(real)).replace("\\n", "")
    assert print_ in await told(real)


async def test_names_that_are_none_are_refused_in_words(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await sees(pilot, "New key or token")
        said = app.screen.query_one("#new-said", Static)
        for name in HOSTILE:
            app.screen.query_one("#new-name", Input).value = name
            await pilot.press("enter")
            wanted = clean(f"✗ {name!r} cannot be a credential's name.")
            await until(pilot, lambda wanted=wanted: str(said.content).startswith(wanted), wanted)  # type: ignore[misc]
            assert len(screen_text(app).split("\n")) == 24, screen_text(app)
        await pilot.press("escape")
        await sees(pilot, "No keys or tokens yet")
    assert not real.paths.credentials.exists() or not list(real.paths.credentials.iterdir())


async def test_a_token_goes_in_and_never_comes_out(real: Context) -> None:
    app = RefactApp(real.paths)
    file = real.paths.credentials / "ci.token"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("n", *"ci", "ctrl+t", "enter")
        await sees(pilot, NEEDS_TOKEN)
        field = app.screen.query_one(SecretInput)
        field.post_message(Paste(f"\n{TOKEN}\n"))
        await sees(pilot, "•" * len(TOKEN))
        assert TOKEN not in app.export_screenshot()
        app.copy_to_clipboard("before")
        field.action_select_all()
        await pilot.press("ctrl+c", "ctrl+x")
        assert (app.clipboard, field.value) == ("before", TOKEN)
        await pilot.press("end", "enter")
        await sees(pilot, "▌ci", "a token for https addresses", "Kept ci; it is never shown again.")
        assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (TOKEN, 0o600)
        await pilot.press("enter")
        await sees(pilot, "it is kept on this box and never shown again")
        await pilot.press("y")
        assert app.clipboard == "before"
        assert TOKEN not in screen_text(app) and TOKEN not in await told(real)

        await pilot.press("e")
        await sees(pilot, "New value of ci")
        await pilot.press(*"another", "enter")
        await until(pilot, lambda: file.read_text() == "another", "the new value")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

        await pilot.press("d")
        await sees(pilot, "Delete ci (token", "No source uses it.", "revoked")
        await pilot.press("enter")  # Cancel has the focus
        await pilot.pause()
        assert file.exists()
        await pilot.press("d", "y")
        await sees(pilot, "No keys or tokens yet", "Deleted ci.")
        assert not file.exists()


async def test_a_token_with_a_line_break_in_it_is_refused(real: Context) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("n", *"ci", "ctrl+t", "tab")
        app.screen.query_one(SecretInput).post_message(Paste("one\ntwo"))
        await pilot.press("enter")
        await sees(pilot, "That is no token", "Paste the token alone.")


async def test_another_screen_sees_it_at_once(real: Context) -> None:
    first, second = RefactApp(real.paths), RefactApp(real.paths)
    async with first.run_test(size=(80, 24)) as one, second.run_test(size=(80, 24)) as other:
        await opened(one)
        await opened(other)
        await one.press("n", *"deploy", "enter")
        await sees(one, "Give this line")
        await sees(other, "▌deploy")


async def test_a_private_repository_from_the_key_to_a_changed_server(real: Context, sshd: Sshd, project: Path) -> None:
    app = RefactApp(real.paths)
    host = f"[127.0.0.1]:{sshd.port}"
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("n", *"deploy", "enter")
        await sees(pilot, "Give this line")
        await pilot.press("escape", "1", "n")
        await sees(pilot, "none, or deploy")
        app.screen.query_one("#add-what", Input).value = f"ssh://{getpass.getuser()}@127.0.0.1:{sshd.port}{project}"
        app.screen.query_one("#add-key", Input).value = "deploy"
        await pilot.press("enter")
        await sees(
            pilot, "✗ failed", "Make one in System, Credentials", "key: deploy (SHA256:", "host key pinned: SHA256:"
        )
        sshd.authorized.write_text((real.paths.credentials / "deploy.key.pub").read_text())
        await pilot.press("R")
        await sees(pilot, "next: 2, then n to scan")
        before = app.state.sources[0].host_key

        await pilot.press("6")
        await sees(pilot, "used by project")
        await pilot.press("d")
        await sees(pilot, "deploy is used by project: remove that first (1).")
        await pilot.press("tab", "enter")
        await sees(pilot, f"▌{host}", f"{before} (ED25519)", "y copies the fingerprint")
        await pilot.press("y")
        assert app.clipboard == f"{before} (ED25519)"

        await asyncio.to_thread(sshd.stop)
        await asyncio.to_thread(sshd.start)  # with another key
        await pilot.press("1", "s")
        await sees(pilot, "may be an attack", "forget the old one in System", "R tries again")
        await pilot.press("6", "d")
        await sees(pilot, f"Forget the key of {host}?", "used by project", "may be an attack")
        await pilot.press("escape", "d", "y")
        await sees(pilot, "No server is pinned yet", f"Forgot the key of {host}")
        await pilot.press("d")
        await sees(pilot, "nothing to copy or to forget")
        await pilot.press("1")
        await until(pilot, lambda: "host key pinned" not in screen_text(app), "the key to be forgotten")
        await pilot.press("s")
        await sees(pilot, "host key pinned: SHA256:")
        await until(pilot, lambda: app.state.sources[0].state == "ready", "the repository")
        assert app.state.sources[0].host_key not in ("", before)


@pytest.mark.parametrize("key", ["n", "d", "e"])
async def test_keys_of_credentials_say_where_they_work(real: Context, key: str) -> None:
    app = RefactApp(real.paths)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await sees(pilot, "● engine")
        await pilot.press("6", key)
        await sees(pilot, f"{key} ", "is for Credentials, and this is Doctor")
