"""Ends an answer at the first line that is indented less than a client wants."""

import re

LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Lines:
    """Passes text on line by line; without a wanted indentation everything passes at once."""

    def __init__(self, indent: int) -> None:
        self._indent, self._held = indent, ""
        self._judged = True  # the first line begins at the cursor
        self.stopped = False
        self.seen_end = False
        """Whether a whole line has passed."""

    def feed(self, text: str) -> str:
        """What may be shown after `text` came; a line's blanks are held back until its first letter is there."""
        if self.stopped:
            return ""
        self.seen_end = self.seen_end or "\n" in text
        if self._indent <= 0:
            return text
        shown = ""
        for line in LINE.findall(self._held + text):
            bare = line.lstrip(" \t")
            if not self._judged and bare.strip() and len(line) - len(bare) < self._indent:
                self.stopped, self._held = True, ""
                return shown.rstrip("\r\n")
            if not self._judged and not bare.strip() and not line.endswith("\n"):
                self._held = line
                return shown
            shown += line
            self._judged = not line.endswith("\n")
        self._held = ""
        return shown

    def finish(self) -> str:
        """What was held back, at the end of the answer."""
        held, self._held = self._held, ""
        return held
