"""What the app says in a corner for a moment, of which errors can be read again."""

from collections import deque
from datetime import UTC, datetime

from textual.notifications import SeverityLevel

from backend import wire
from refact_tui.in_order import InOrder
from refact_tui.registry import told

MOST_TOLD = 100


class Telling(InOrder):
    """An app that remembers the errors it has told of."""

    def __init__(self, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.told: deque[wire.LogLine] = deque(maxlen=MOST_TOLD)
        """Errors that this screen has told of, to be read again beside the engine's log."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say it for a moment, with the keys of whoever sits here; an error can be read again in System's Log."""
        message = told(self, message)
        if severity == "error":
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self.told.append(wire.LogLine(at=at, level="error", text=message))
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)
