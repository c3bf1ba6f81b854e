"""The language of a file: Linguist's strategies in their order, until one of them leaves a single candidate."""

from backend.scan.linguist import classifier, heuristics, strategies


def detect(path: str, text: str) -> str | None:
    """The language by Linguist's name, or None where nothing claims the file."""
    name = path.rsplit("/", 1)[-1]
    candidates = strategies.modeline(text)
    for found in (strategies.filename(name), strategies.shebang(text), strategies.extension(name)):
        if len(candidates) == 1:
            return candidates[0]
        if found is not None:
            candidates = _both(candidates, found)
    if not candidates:
        candidates = strategies.xml(text) or strategies.manpage(name)
    if len(candidates) > 1 or not candidates:
        candidates = heuristics.settle(name, text) or candidates
    if len(candidates) > 1:
        return classifier.likeliest(candidates, text)
    return candidates[0] if candidates else None


def _both(before: tuple[str, ...], found: tuple[str, ...]) -> tuple[str, ...]:
    """What both say; what one of them says where the other says nothing, or they contradict each other."""
    if not before:
        return found
    return tuple(name for name in before if name in found) or before
