"""The System room: what works on this box, keys of repositories, jobs, log, settings, trash, about: a tab each."""

from typing import ClassVar

from refact_tui.rooms.pane import Pane
from refact_tui.rooms.system_about import AboutPane
from refact_tui.rooms.system_credentials import CredentialsPane
from refact_tui.rooms.system_doctor import DoctorPane
from refact_tui.rooms.system_jobs import JobsPane
from refact_tui.rooms.system_log import LogPane
from refact_tui.rooms.system_settings import SettingsPane
from refact_tui.rooms.system_trash import TrashPane
from refact_tui.rooms.tabbed import TabbedRoom
from refact_tui.rooms.undoing import Undoing

PANES: dict[str, type[Pane]] = {
    "Doctor": DoctorPane,
    "Credentials": CredentialsPane,
    "Jobs": JobsPane,
    "Log": LogPane,
    "Settings": SettingsPane,
    "Trash": TrashPane,
    "About": AboutPane,
}
"""By the tabs that `keys` names, in their order."""


class SystemRoom(TabbedRoom, Undoing):
    """Hands the keys of a tab to its pane."""

    PANES: ClassVar[dict[str, type[Pane]]] = PANES
