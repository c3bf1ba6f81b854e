"""`doctor`: what is well on this box, what is not, and what to do."""

from refact_tui.cli.engine_link import paths
from refact_tui.cli.output import columns, emit
from refact_tui.cli.verbs import root, verb
from refact_tui.doctor import examine

SIGNS = {True: "ok", False: "!!", None: "--"}


@verb(root, "doctor")
def doctor(as_json: bool) -> None:
    """Examine this box; starts and changes nothing."""
    found = examine(paths())
    rows = [(SIGNS[one.ok], one.check, f"{one.finding} {one.remedy}".strip()) for one in found]
    emit(found, as_json, columns(rows))
