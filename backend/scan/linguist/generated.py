"""Files that a program wrote, by Linguist's rules: by their path, by what stands in their first lines, or by shape."""

import re
from collections.abc import Callable
from functools import cache

from backend.scan.linguist.html import generated_html, net_documentation
from backend.scan.linguist.javascript import compiled_coffeescript, maybe_minified, minified, names_source_map
from backend.scan.linguist.postscript import generated_postscript
from backend.scan.linguist.signatures import SIGNATURES, Lines

BY_PATH: tuple[tuple[str, str], ...] = (
    (r"(?:^|/)\.idea/", "an IDE wrote it"),
    (r"(?:^|/)Pods/", "it lies in CocoaPods' folder"),
    (r"(?:^|/)Carthage/Build/", "it lies in Carthage's folder"),
    (r"__generated__/", "it lies in __generated__"),
    (r"(?i:\.designer\.(?:cs|vb)$)", "a designer's output"),
    (r"(?i:\.feature\.cs$)", "SpecFlow's output"),
    (r"composer\.lock|Cargo\.lock|(?:Gopkg|glide)\.lock|poetry\.lock|Pipfile\.lock", "a lock file"),
    (
        r"npm-shrinkwrap\.json|package-lock\.json|(?:^|/)\.terraform\.lock\.hcl$|(?:^|/)(?:\w+\.)?esy.lock$",
        "a lock file",
    ),
    (r"node_modules/", "it lies in node_modules"),
    (r"vendor/(?:(?!-)[-0-9A-Za-z]+(?<!-)\.)+(?:com|edu|gov|in|me|net|org|fm|io)", "it lies in Go's vendor folder"),
    (r"(?:^|/)\.pnp\..*$", "Yarn wrote it"),
    (r"Godeps/", "it lies in Godeps"),
    (r".\.zep\.(?:c|h|php)$", "Zephir's output"),
    (r"(?i:_tlb\.pas$)", "a type library's interface"),
)
PARTS = (
    *("idea/", "pods/", "carthage/", "__generated__/", ".designer.", ".feature.", "lock", "npm-shrinkwrap.json"),
    *("node_modules/", "vendor/", ".pnp.", "godeps/", ".zep.", "_tlb."),
)
"""What a path has, in lower case, where one of these rules may hold; few have it."""
XCODE = {".nib", ".xcworkspacedata", ".xcuserstate"}
Text = Callable[[], str]


def generated(path: str, text: Text) -> str | None:
    """What says that a program wrote the file, in words; None where a person wrote it."""
    name = path.rsplit("/", 1)[-1]
    extension = extension_of(name)
    if extension in XCODE:
        return "Xcode's output"
    low = path.lower()
    if any(part in low for part in PARTS) and (found := _by_path().search(path)):
        return BY_PATH[int(found.lastgroup[1:])][1] if found.lastgroup else None
    return _by_text(path, extension, text)


def extension_of(name: str) -> str:
    """The last extension as Linguist takes it: none for a name that begins with its only dot."""
    stem, dot, last = name.rpartition(".")
    return dot + last if stem.strip(".") and last else ""


@cache
def _by_path() -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<r{number}>{rule})" for number, (rule, _) in enumerate(BY_PATH)), re.ASCII)


def _by_text(path: str, extension: str, text: Text) -> str | None:
    low = extension.lower()
    if maybe_minified(low):
        lines = Lines(text())
        if why := minified(lines) or names_source_map(lines):
            return why
        if extension == ".js" and (why := compiled_coffeescript(lines)):
            return why
    if low == ".map":
        return _source_map(path, Lines(text()))
    if extension in {".ps", ".eps", ".pfa"} and generated_postscript(text(), Lines(text())):
        return "a program's PostScript"
    if low in {".html", ".htm", ".xhtml"} and (why := generated_html(Lines(text()))):
        return why
    if low == ".xml" and (why := net_documentation(Lines(text()))):
        return why
    rules = SIGNATURES.get(extension) or SIGNATURES.get(low)
    if not rules:
        return None
    lines = Lines(text())
    return next((rule.words for rule in rules if rule.applies(path, lines)), None)


def _source_map(path: str, lines: Lines) -> str | None:
    first = lines[0]
    named = path.lower().endswith((".css.map", ".js.map"))
    if named or re.match(r'\{"version":\d+,', first) or first.startswith("/** Begin line maps. **/{"):
        return "a source map"
    return None
