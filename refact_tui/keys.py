"""The one table of rooms and keys: bindings, footer, `?` help, palette and docs/keys.md are all made from it."""

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class RoomInfo:
    """One room; `about` is what its help says."""

    noun: str
    number: str
    title: str
    about: str
    tabs: tuple[str, ...] = ()
    """Of a room whose keys depend on the open tab."""


@dataclass(frozen=True)
class Key:
    """One key of one room, or of every room where `room` is empty.

    Without an `action` the widget that has the focus binds the key itself, and this only tells of it; `still` says
    that there was nothing to move where none has done so.
    """

    id: str
    keys: str
    action: str
    label: str
    tooltip: str
    room: str = ""
    shown: bool = True
    """In the footer, as long as there is space."""
    display: str = ""
    tab: str = ""
    """The tab of the room in which it works; empty where it works in all of them."""

    @property
    def face(self) -> str:
        """The key as it is printed on a keyboard."""
        return self.display or self.keys.split(",")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """Its keys by the names that Textual has for them: `question_mark` for `?`."""
        return names(self.keys)


def names(keys: str) -> tuple[str, ...]:
    """The keys of a list with commas, by Textual's names. Raises InvalidBinding for one that is empty."""
    return tuple(one.key for one in Binding.make_bindings([Binding(keys, "")]))


ROOMS = (
    RoomInfo(
        "sources",
        "1",
        "Sources",
        "The code to learn from: git repositories, archives and folders. Each belongs to a set: auto splits its files "
        "into training and test, train and test put all of them on one side.",
    ),
    RoomInfo(
        "scan",
        "2",
        "Scan",
        "Which files are worth training on. Stage 1 applies rules (text, size, generated, vendored, duplicates), "
        "stage 2 reads what is left with the model and drops what it cannot make sense of. "
        "Every file keeps its reason.",
    ),
    RoomInfo(
        "train",
        "3",
        "Train",
        "Runs that fine-tune the model on the accepted files. The plan says how long before anything starts; the test "
        "loss says whether it gets better.",
    ),
    RoomInfo(
        "checkpoints",
        "4",
        "Checkpoints",
        "What the runs have made. enter serves one at once, without a dropped request; off and on show the difference.",
    ),
    RoomInfo(
        "serve",
        "5",
        "Serve",
        "The models that answer IDEs, a place to try, ask and talk with them, the settings for each plug-in, the keys "
        "of those who ask from other machines, and what is asked for just now.",
        ("Try it", "Connect an IDE", "Keys", "Requests"),
    ),
    RoomInfo(
        "system",
        "6",
        "System",
        "What works on this box and what to do where it does not; keys and tokens for private repositories, and the "
        "servers they go to; the engine's jobs, its log and its settings; what was deleted; and what all this is.",
        ("Doctor", "Credentials", "Jobs", "Log", "Settings", "Trash", "About"),
    ),
)
BY_NOUN = {room.noun: room for room in ROOMS}

KEYS = (
    Key("sources.new", "n", "new", "add", "Add a git URL, a folder or an archive", "sources"),
    Key("sources.sync", "s", "sync", "sync", "Read the source again", "sources"),
    Key("sources.set", "t", "cycle_set", "set", "Change the set: auto, train, test", "sources"),
    Key("sources.delete", "d", "delete", "delete", "Move the source to the trash (asks first)", "sources"),
    Key("sources.stop", "x", "stop", "stop", "Stop reading the source", "sources", shown=False),
    Key("sources.retry", "R", "sync", "retry", "Read a source that failed again", "sources", shown=False),
    Key("sources.undo", "u", "undo", "undo", "Take the last change back", "sources", shown=False),
    Key("sources.copy", "y", "copy", "copy", "Copy where it comes from", "sources", shown=False),
    Key("sources.filter", "/", "filter", "filter", "Show only the sources with this in their row", "sources"),
    Key("scan.new", "n", "new", "scan", "Scan all sources", "scan"),
    Key("scan.stop", "x", "stop", "stop", "Stop the scan", "scan", shown=False),
    Key(
        "scan.filter",
        "/",
        "filter",
        "filter",
        "Filter the list: *.py loss>2 reason:duplicate source:NAME warning:secret word",
        "scan",
    ),
    Key("scan.open", "enter", "", "open", "Read the file, or show only the files of the reason", "scan"),
    Key("scan.tabs", "[", "tab(-1)", "tabs", "Accepted or rejected files", "scan", display="[ ]"),
    Key("scan.next_tab", "]", "tab(1)", "next tab", "Accepted or rejected files", "scan", shown=False),
    Key("scan.mark", "space", "mark", "mark", "Mark the file, or switch the language under the cursor", "scan"),
    Key(
        "scan.include", "plus", "by_hand('include')", "include", "Include the marked files by hand", "scan", display="+"
    ),
    Key("scan.exclude", "minus", "by_hand('exclude')", "exclude", "Exclude the marked files", "scan", display="-"),
    Key("scan.masks", "m", "masks", "masks", "Edit the masks: patterns that include or exclude files", "scan"),
    Key("scan.less", "left", "threshold(-1)", "threshold", "Move the loss threshold", "scan", display="◂ ▸"),
    Key("scan.more", "right", "threshold(1)", "threshold up", "Move the loss threshold", "scan", shown=False),
    Key("scan.undo", "u", "undo", "undo", "Take the last change back", "scan", shown=False),
    Key("scan.copy", "y", "copy", "copy", "Copy the path of the file", "scan", shown=False),
    Key("scan.retry", "R", "new", "retry", "Scan again", "scan", shown=False),
    Key("train.new", "n", "new", "new run", "Plan a run and start it", "train"),
    Key("train.stop", "x", "stop", "stop", "Stop the run; it saves first", "train"),
    Key("train.compare", "c", "compare", "compare", "Two runs in one plot: this and the marked one", "train"),
    Key("train.resume", "R", "resume", "resume", "Go on with a stopped or failed run", "train"),
    Key("train.tabs", "[", "tab(-1)", "tabs", "What is known of the run", "train", display="[ ]"),
    Key("train.next_tab", "]", "tab(1)", "next tab", "What is known of the run", "train", shown=False),
    Key("train.rename", "e", "rename", "rename", "Call the run something else", "train"),
    Key("train.delete", "d", "delete", "delete", "Move the run to the trash (asks first)", "train"),
    Key("train.undo", "u", "undo", "undo", "Take the last change back", "train"),
    Key("train.mark", "space", "mark", "mark", "Mark the run to show others beside it", "train"),
    Key("train.night", "N", "night", "every night", "Sync, scan, train and serve if better, by itself", "train"),
    Key("train.log", "L", "log", "log", "Open the log of the run", "train", shown=False),
    Key("train.copy", "y", "copy", "copy", "Copy the log of the run", "train", shown=False),
    Key("train.filter", "/", "filter", "filter", "Filter the run's files: part of a path, set:test", "train"),
    Key("checkpoints.use", "enter", "", "serve", "Serve the checkpoint under the cursor", "checkpoints"),
    Key(
        "checkpoints.best", "b", "latest_best", "latest best", "Serve the best of the newest run, always", "checkpoints"
    ),
    Key("checkpoints.off", "o", "on_off", "off/on", "Fine-tuning off, and back to what it was", "checkpoints"),
    Key("checkpoints.compare", "c", "compare", "compare", "Complete the same code with two", "checkpoints"),
    Key("checkpoints.export", "E", "export", "export", "Write it to a folder: adapter, or merged", "checkpoints"),
    Key("checkpoints.delete", "d", "delete", "delete", "Move it to the trash (asks first)", "checkpoints"),
    Key("checkpoints.undo", "u", "undo", "undo", "Bring back what was deleted last", "checkpoints"),
    Key("checkpoints.mark", "space", "mark", "mark", "Mark one of two to compare", "checkpoints"),
    Key(
        "checkpoints.pin",
        "asterisk",
        "pin",
        "pin",
        "Keep it whatever its loss, or no longer",
        "checkpoints",
        display="*",
    ),
    Key("checkpoints.copy", "y", "copy", "copy path", "Copy where it was exported to, or lies", "checkpoints"),
    Key("serve.try", "enter", "", "try it", "Go into the editor", "serve"),
    Key("serve.host", "n", "pane('new')", "host", "Host one more model", "serve", tab="Try it"),
    Key("serve.compare", "c", "pane('compare')", "compare", "Complete with the base beside it", "serve", tab="Try it"),
    Key("serve.retry", "R", "pane('retry')", "retry", "Load a model that failed", "serve", shown=False, tab="Try it"),
    Key("serve.copy", "y", "pane('copy')", "copy", "Copy the setting under the cursor", "serve", tab="Connect an IDE"),
    Key("serve.new", "n", "pane('new')", "new", "Make an API key; it is shown once", "serve", tab="Keys"),
    Key("serve.revoke", "d", "pane('delete')", "revoke", "Revoke the key (asks first)", "serve", tab="Keys"),
    Key("serve.ask", "a", "ask", "ask", "Ask about the code in the editor: explain, bugs, naming …", "serve"),
    Key("serve.tabs", "[", "tab(-1)", "tabs", "The tab before or after this one", "serve", display="[ ]"),
    Key("serve.next_tab", "]", "tab(1)", "next tab", "The tab before or after this one", "serve", shown=False),
    Key("serve.place", "e", "pane('edit')", "place", "Device, numbers, context and memory", "serve", tab="Try it"),
    Key("serve.unhost", "d", "pane('delete')", "unhost", "Host it no longer (asks first)", "serve", tab="Try it"),
    Key("serve.undo", "u", "undo", "undo", "Take the last change back", "serve", shown=False),
    Key("serve.chat", "C", "chat", "chat", "Talk with a model that chats; nothing of it is stored", "serve"),
    Key("system.look", "R", "pane('look')", "look again", "Ask the doctor again", "system", tab="Doctor"),
    Key("system.remedy", "y", "pane('copy')", "copy", "Copy the finding and its remedy", "system", tab="Doctor"),
    Key("system.new", "n", "pane('new')", "new", "Make an SSH key, or keep a token", "system", tab="Credentials"),
    Key("system.show", "enter", "", "show", "The public part and where to put it", "system", tab="Credentials"),
    Key(
        "system.copy",
        "y",
        "pane('copy')",
        "copy",
        "Copy the public part, or a fingerprint",
        "system",
        tab="Credentials",
    ),
    Key(
        "system.delete",
        "d",
        "pane('delete')",
        "delete",
        "Delete the key or token, or forget a server (asks first)",
        "system",
        tab="Credentials",
    ),
    Key(
        "system.edit",
        "e",
        "pane('edit')",
        "edit",
        "Put a new token in the place of one that has run out",
        "system",
        shown=False,
        tab="Credentials",
    ),
    Key("system.stop", "x", "pane('stop')", "stop", "Stop the job; a run saves first", "system", tab="Jobs"),
    Key("system.outcome", "y", "pane('copy')", "copy", "Copy how the job ended", "system", tab="Jobs"),
    Key(
        "system.level", "l", "pane('level')", "level", "All lines, warnings and errors, or errors", "system", tab="Log"
    ),
    Key("system.filter", "/", "pane('filter')", "filter", "Only lines with this text", "system", tab="Log"),
    Key("system.lines", "y", "pane('copy')", "copy", "Copy the lines that are shown", "system", tab="Log"),
    Key("system.change", "enter", "", "change", "Type another value, or take the next one", "system", tab="Settings"),
    Key("system.restore", "enter", "", "bring back", "Bring back what is under the cursor", "system", tab="Trash"),
    Key("system.destroy", "d", "pane('delete')", "delete", "Delete it for good (asks first)", "system", tab="Trash"),
    Key("system.empty", "D", "pane('empty')", "empty", "Delete all of it for good (asks first)", "system", tab="Trash"),
    Key("system.report", "y", "pane('copy')", "copy", "Copy all of it, for a report", "system", tab="About"),
    Key("system.undo", "u", "undo", "undo", "Take the last change back", "system"),
    Key("system.tabs", "[", "tab(-1)", "tabs", "The tab before or after this one", "system", display="[ ]"),
    Key("system.next_tab", "]", "tab(1)", "next tab", "The tab before or after this one", "system", shown=False),
    Key("system.log", "L", "open_tab('Log')", "log", "Open the engine's log", "system", shown=False),
    Key("frame.pause", "p", "app.pause", "pause", "Stand still; again: show what came meanwhile", shown=False),
    Key("frame.help", "?,f1", "help", "help", "The keys of this room and what it is for"),
    Key("frame.command", ":", "app.command_palette", "command", "Find anything by its name", display=":"),
    Key("frame.projects", "P", "projects", "projects", "Data sets beside each other: go to one, make one", shown=False),
    Key("frame.themes", "T", "themes", "themes", "Choose the colours; each is shown at once", shown=False),
    Key("frame.detach", "q", "app.detach", "detach", "Leave; the engine keeps running"),
    Key("frame.back", "escape", "back", "back", "One step back; never leaves", shown=False, display="esc"),
    Key("frame.move", "j,k", "still", "move", "Down and up; arrows do too", shown=False, display="j k"),
    Key("frame.ends", "g,G", "still", "first, last", "To the first row and to the last", shown=False, display="g G"),
    Key(
        "frame.page",
        "ctrl+d,ctrl+u",
        "still",
        "page",
        "Half a page down and up",
        shown=False,
        display="ctrl+d ctrl+u",
    ),
    Key("frame.focus", "tab", "", "next part", "To the next part of the room", shown=False, display="tab"),
    Key("frame.palette", "ctrl+p", "", "command", "The same as :", shown=False),
    *(
        Key(
            f"frame.{room.noun}",
            room.number,
            f"app.room('{room.noun}')",
            room.title,
            f"Go to {room.title}",
            shown=False,
        )
        for room in ROOMS
    ),
)


def of_room(noun: str, tab: str | None = None, among: tuple[Key, ...] = KEYS) -> list[Key]:
    """The keys of one room, most useful first; with `tab` only those that work while it is open."""
    return [key for key in among if key.room == noun and (tab is None or key.tab in ("", tab))]


def everywhere(among: tuple[Key, ...] = KEYS) -> list[Key]:
    """The keys that do the same in every room."""
    return [key for key in among if not key.room]
