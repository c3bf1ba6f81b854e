"""`about`: what a report of a mistake begins with."""

from importlib import metadata

from backend import wire
from refact_tui import keymap, settings
from refact_tui import words_of_about as say
from refact_tui.cli.engine_link import connect
from refact_tui.cli.output import emit
from refact_tui.cli.verbs import root, verb


@verb(root, "about")
def about(as_json: bool) -> None:
    """Versions, licences, and where everything lies with what it takes on disk."""
    with connect() as client:
        found = client.get("/about", wire.About)
    screen = {
        "screen": f"textual {metadata.version('textual')}",
        "settings": str(settings.settings_file()),
        "keys": str(keymap.keys_file()),
    }
    emit(found, as_json, say.text(found, screen))
