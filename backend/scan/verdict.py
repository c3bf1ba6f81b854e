"""Masks, switches and threshold over what stage 1 and the model found; pure, so changing them costs no model time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from backend.errors import BadRequest
from backend.scan.linguist.tables import is_code
from backend.scan.rules import may_include

MEANINGFUL_SHARE = 0.01
MEANINGFUL_FILES = 5
FAMILY = 4
"""Near-duplicates of a text from which on not every pair of them has been compared."""
Reason = tuple[str, str]
"""A reason and its sentence."""


@dataclass(frozen=True)
class Policy:
    """Everything a person may set, and the model's own figures."""

    include: GitIgnoreSpec
    exclude: GitIgnoreSpec
    on: frozenset[str]
    threshold: float
    known: frozenset[str] | None
    """Languages of the model; None means all."""

    def included(self, path: str) -> bool:
        """Whether an include mask matches the path."""
        return self.include.match_file(path)


def masks(patterns: Iterable[str]) -> GitIgnoreSpec:
    """Gitignore patterns. Raises BadRequest for one that is none."""
    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise BadRequest(
            f"A mask cannot be read: {error}.", "Masks are patterns as in .gitignore, one a line."
        ) from error


def switched_on(counts: Mapping[str, int], on: Iterable[str] = (), off: Iterable[str] = ()) -> frozenset[str]:
    """Languages that are trained on, from the files of each.

    By default code with a meaningful share: 1 % of the code, or 5 files. Data and prose are off at first."""
    code = {language: count for language, count in counts.items() if is_code(language)}
    total = sum(code.values())
    usual = {name for name, count in code.items() if count >= MEANINGFUL_FILES or count >= MEANINGFUL_SHARE * total}
    return frozenset((usual | set(on)) - set(off))


def before_loss(
    policy: Policy, path: str, language: str | None, found: Reason | None, by_hand: str | None = None, secret: str = ""
) -> Reason | None:
    """The reason against a file that needs no model; duplicates come after it. None for a good file.

    `by_hand` is what a person has decided of this very file: `include` or `exclude`. `secret` is what it holds beneath
    a reason that a mask overrules, and no mask takes that in."""
    included = policy.included(path)
    if found and not (included and may_include(found[0], before=True)):
        return found
    if secret:
        return "secrets", secret
    if by_hand == "exclude":
        return "excluded_by_mask", "excluded by hand"
    if included or by_hand == "include":
        return None
    if policy.exclude.match_file(path):
        return "excluded_by_mask", "an exclude mask matches it"
    if language not in policy.on:
        return "type_off", f"{language} is switched off"
    return None


def after_loss(
    policy: Policy, path: str, language: str | None, loss: float | None, by_hand: str | None = None
) -> Reason | None:
    """The reason that the model gives. A language that the model does not know is never refused for its loss."""
    if policy.included(path) or by_hand == "include":
        return None
    if loss is None:
        return "filter_empty", "it has no text to compute a loss on"
    knows = policy.known is None or language in policy.known
    if knows and loss > policy.threshold:
        return "loss_too_high", f"{loss:.2f} nats per token; the threshold is {policy.threshold:.2f}"
    return None
