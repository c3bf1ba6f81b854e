"""What an engine with nothing in it says: three ways to begin, each with what comes of it."""

import asyncio
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from refact_tui import checkout
from refact_tui.registry import press
from refact_tui.signs import clean
from refact_tui.widgets.line import Line
from refact_tui.widgets.listing import Column, Listing, Row

HELLO = (
    "Nothing here yet. From your code to completions in your IDE that know it: add code, scan it, train on it, "
    "serve what came of it. Nothing leaves this box."
)
ADD, DEMO, ATTACH = "add", "demo", "attach"
WAYS = {
    ADD: ("Add your code", "a git URL, or a folder, archive or file on this box"),
    DEMO: ("Run the demo", "the whole job on a checkout that is here already"),
    ATTACH: ("Another engine", "one that runs already, by its socket"),
}
ABOUT = {
    ADD: "Paste or type where it is, and you are told what it was taken for before anything is added. "
    f"{press('sources.new')} does so too.",
    ATTACH: "By its state folder or its socket. The engine of this screen goes on as it is, and so does that one.",
}
ABOUT_DEMO = (
    "{}\nThis checkout is read and scanned, the starter trains on it for about two minutes, the best that came of it "
    "is served, and one place is completed before and after. It goes on when you leave; the other rooms show how far "
    "it is."
)
NO_DEMO = "No demo: this program was neither started in a git checkout with enough in it, nor installed from one."


class Greeting(Vertical):
    """j, k and enter choose. Where the engine is not this user's `own`, what lies here is nothing to it."""

    DEFAULT_CSS = """
    Greeting {
        height: 1fr;
        & > Line { height: auto; padding: 1 1 0 1; }
        & > Listing { height: auto; margin: 1 0 0 0; }
        #greeting-about, #greeting-none { color: $text-muted; }
    }
    """

    class Chosen(Message):
        """One of the three; with the checkout for the demo."""

        def __init__(self, way: str, folder: Path | None) -> None:
            super().__init__()
            self.way, self.folder = way, folder

    def __init__(self, own: bool, id: str) -> None:
        super().__init__(id=id)
        self._own = own
        self._checkout: Path | None = None

    def compose(self) -> ComposeResult:
        yield Line(HELLO)
        yield Listing((Column("BEGIN WITH", 14), Column("")), id="greeting-ways")
        yield Line("", id="greeting-about")
        yield Line("", id="greeting-none")

    def on_mount(self) -> None:
        self._show()
        self.ways.focus()
        self._look()

    @work
    async def _look(self) -> None:
        """Say on what the demo can be run, or that it cannot."""
        self._checkout = await asyncio.to_thread(checkout.to_show) if self._own else None
        self._show()
        self.query_one("#greeting-none", Line).update("" if self._checkout else NO_DEMO)

    @property
    def ways(self) -> Listing:
        """The list to choose from."""
        return self.query_one(Listing)

    def _show(self) -> None:
        offered = [way for way in WAYS if way != DEMO or self._checkout is not None]
        self.ways.show([Row(way, ((WAYS[way][0], "plain"), (WAYS[way][1], "muted"))) for way in offered])
        self._about()

    def _about(self) -> None:
        way = self.ways.key or ADD
        about = ABOUT_DEMO.format(clean(str(self._checkout))) if way == DEMO else ABOUT[way]
        self.query_one("#greeting-about", Line).update(about)

    @on(Listing.Moved)
    def _another(self, event: Listing.Moved) -> None:
        event.stop()
        self._about()

    @on(Listing.Opened)
    def _chosen(self, event: Listing.Opened) -> None:
        event.stop()
        self.post_message(self.Chosen(event.key or ADD, self._checkout))
