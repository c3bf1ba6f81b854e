"""The Credentials tab of System: keys and tokens for private repositories, and the servers they are shown to."""

from urllib.parse import quote

from textual import on, work
from textual.app import ComposeResult

from backend import wire
from refact_tui import words_of_credentials as say
from refact_tui.dialogs.confirm import Confirm
from refact_tui.dialogs.new_credential import NewCredentialDialog
from refact_tui.dialogs.public_key import PublicKeyDialog
from refact_tui.registry import press
from refact_tui.rooms.pane import Pane
from refact_tui.signs import clean
from refact_tui.state import EngineState
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Listing
from refact_tui.widgets.tabs import RuleLine

NOTHING = f"There is no key or token yet; {press('system.new')} makes one."
NO_EDIT = f"What a server has shown cannot be changed: {press('system.delete')} forgets it, and the next one is pinned."
NO_HOST = "No server is pinned yet, so there is nothing to copy or to forget."


class CredentialsPane(Pane):
    """Makes, shows and deletes; what is secret never comes here."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._wanted = ""

    def compose(self) -> ComposeResult:
        yield Listing(say.KEY_COLUMNS, empty=say.NO_KEYS, id="credentials-keys")
        yield RuleLine("pinned servers", id="credentials-rule")
        yield Listing(say.HOST_COLUMNS, empty=say.NO_HOSTS, id="credentials-hosts")
        yield RuleLine(id="credentials-title")
        yield Line("", id="credentials-detail")

    def draw(self, state: EngineState) -> None:
        """Show what there is now."""
        keys, width = self._keys, self.room.size.width
        keys.show(say.key_rows(state.credentials, width))
        self._hosts.show(say.host_rows(state.pinned, width))
        if any(one.name == self._wanted for one in state.credentials):
            keys.select(self._wanted)
            self._wanted = ""
        self._detail()

    @property
    def _keys(self) -> Listing:
        return self.query_one("#credentials-keys", Listing)

    @property
    def _hosts(self) -> Listing:
        return self.query_one("#credentials-hosts", Listing)

    @property
    def credential(self) -> wire.Credential | None:
        """The key or token under the cursor, unless the servers have the focus."""
        if self._hosts.has_focus:
            return None
        return next((one for one in self.room.state.credentials if one.name == self._keys.key), None)

    @property
    def host(self) -> wire.PinnedHost | None:
        """The server under the cursor, while the servers have the focus."""
        if not self._hosts.has_focus:
            return None
        return next((one for one in self.room.state.pinned if one.host == self._hosts.key), None)

    @on(Listing.Moved)
    def _detail(self) -> None:
        key, host = self.credential, self.host
        name, lines = "", say.key_lines(key) if key else say.host_lines(host) if host else []
        if key is not None or host is not None:
            name = key.name if key else host.host if host else ""
        self.query_one("#credentials-title", RuleLine).say(clean(name))
        self.query_one("#credentials-detail", Line).say(lines)
        for part in ("#credentials-title", "#credentials-detail"):
            self.query_one(part).display = bool(lines)

    def on_descendant_focus(self) -> None:
        self._detail()

    @work
    async def act_new(self) -> None:
        """Ask what to make; a new key shows at once where its public part goes."""
        made = await self.app.push_screen_wait(NewCredentialDialog(self._create))
        if made is None:
            return
        self._wanted = made.name
        self._keys.focus()
        self.draw(self.room.state)
        if made.public_key:
            await self.app.push_screen_wait(PublicKeyDialog(made))
        else:
            self.app.notify(f"Kept {clean(made.name)}; it is never shown again.", markup=False, timeout=4)

    @work
    async def act_edit(self) -> None:
        """Put a new token in the place of one; a key does not run out."""
        one = self.credential
        if one is None:
            self.room.refuse(NO_EDIT if self._hosts.has_focus else NOTHING)
        elif one.kind != "token":
            self.room.refuse(say.never_old(one.name))
        elif await self.app.push_screen_wait(NewCredentialDialog(self._create, one.name)):
            self.app.notify(
                f"{clean(one.name)} has a new value; {press('sources.sync')} in Sources uses it.",
                markup=False,
                timeout=4,
            )

    async def _create(self, request: wire.NewCredential) -> wire.Credential:
        return await self.room.client.post("/credentials", request, wire.Credential, timeout_s=60)

    @on(Listing.Opened, "#credentials-keys")
    def _show(self) -> None:
        one = self.credential
        if one is None:
            return
        if one.public_key:
            self.app.push_screen(PublicKeyDialog(one))
        else:
            self.room.refuse(self._unseen(one))

    @on(Listing.Opened, "#credentials-hosts")
    def _shown(self) -> None:
        self.room.refuse(say.ALL_KNOWN)

    def act_copy(self) -> None:
        """Copy the public part of the key, or the fingerprint of the server (OSC 52); the text is shown too."""
        key, host = self.credential, self.host
        text = key.public_key if key else ", ".join(host.fingerprints) if host else ""
        if text:
            self.room.copy(text)
        else:
            self.room.refuse(self._unseen(key) if key else self._nothing)

    def act_delete(self) -> None:
        """Delete the key or token, or forget the server's key, if agreed."""
        key, host = self.credential, self.host
        if host is not None:
            self._forget(host)
        elif key is None:
            self.room.refuse(self._nothing)
        elif key.used_by:
            self.room.refuse(say.in_use(key))
        else:
            self._remove(key)

    @work
    async def _remove(self, one: wire.Credential) -> None:
        if await self.app.push_screen_wait(Confirm("Delete", say.delete_words(one), agree="Delete")):
            path = f"/credentials/{quote(one.name, safe='')}"
            self.room.call(self.room.client.delete(path), f"Deleted {clean(one.name)}.")

    @work
    async def _forget(self, one: wire.PinnedHost) -> None:
        if await self.app.push_screen_wait(Confirm("Forget a server's key", say.forget_words(one), agree="Forget")):
            asking = self.room.client.post("/credentials/forget-host", {"host": one.host}, dict)
            if await self.room.tried(asking) is not None:
                host = clean(one.host)
                said = f"Forgot the key of {host}: the next one that it shows is pinned"
                self.room.thrown("server", one.host, f"the key of {host} is forgotten", said=said)

    @property
    def _nothing(self) -> str:
        return NO_HOST if self._hosts.has_focus else NOTHING

    def _unseen(self, one: wire.Credential) -> str:
        if one.kind == "token":
            return f"{clean(one.name)} is a token: it is kept on this box and never shown again."
        return say.missing(one.name)
