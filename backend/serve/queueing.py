"""Whose request is next: keys take turns, however much each of them asks."""

from collections import Counter, deque
from collections.abc import Callable, Iterator

from backend.serve.row import Row


class Waiting:
    """Requests that wait to be answered, a line for each API key."""

    def __init__(self) -> None:
        # In the order of their turns: who was served last stands last.
        self._lines: dict[str, deque[Row]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[Row]:
        for line in self._lines.values():
            yield from line

    def add(self, row: Row) -> None:
        """One more, behind those of its key."""
        self._lines.setdefault(row.request.key, deque()).append(row)

    def put_back(self, row: Row) -> None:
        """One that was taken too early: it is the first of its key again."""
        self._lines.setdefault(row.request.key, deque()).appendleft(row)

    def take(self, running: Counter[str]) -> Row:
        """The next one: of the key that has fewest requests running, in turn where several have as few.

        Raises ValueError where nobody waits."""
        key = min(self._lines, key=lambda one: running[one])
        line = self._lines.pop(key)
        row = line.popleft()
        if line:
            self._lines[key] = line
        return row

    def drop(self, unwanted: Callable[[Row], bool]) -> list[Row]:
        """Take out all that are unwanted, and give them back."""
        dropped = [row for row in self if unwanted(row)]
        lines = {key: deque(row for row in line if row not in dropped) for key, line in self._lines.items()}
        self._lines = {key: line for key, line in lines.items() if line}
        return dropped
