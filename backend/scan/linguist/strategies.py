"""What a name and the first and last lines say about a file's language: Linguist's strategies, each by itself; pure."""

import json
import re
from functools import cache

from backend.scan.linguist.tables import data, tables

SCOPE = 5
"""Lines at either end in which an editor's mode line may stand."""
LONGEST_LINE = 1000
"""Characters of a line that are looked at for one."""
EMACS = re.compile(
    r"-\*-(?:[ \t]*(?=[^:;\s]+[ \t]*-\*-)|(?:.*?[ \t;]|(?<=-\*-))[ \t]*mode[ \t]*:[ \t]*)"
    r"([^:;\s]+)(?=[ \t;]|(?<![-*])-\*-).*?-\*-",
    re.IGNORECASE | re.MULTILINE,
)
VIM = re.compile(r"(?:(?:^|[ \t])(?:vi|Vi(?=m))(?:m[<=>]?[0-9]+|m)?|[ \t]ex)(?=:)([^\n]*)", re.MULTILINE)
VIM_NAMES = ("vim", "Vim", "vi:", "ex:")
"""What VIM begins with; few texts have it."""
VIM_SYNTAX = re.compile(r"[ \t:](?:filetype|ft|syntax)[ \t]*=(\w+)(?=$|\s|:)")
MANPAGE = re.compile(r"\.(?:[1-9](?![0-9])[a-z_0-9]*|0p|n|man|mdoc)(?:\.in)?$", re.IGNORECASE)
XML = re.compile(r"<?xml version=")
SHEBANG = re.compile(r"#!\s*(\S+)(.*)")
ENV_WORDS = re.compile(r"\s*(?:(?:-[i0uCSv]*|--\S+)\s+|\S+=\S+\s+)*(\S+)?")
VERSION = re.compile(r"\.\d+$")
TRAMPOLINE = re.compile(r"exec (\w+).+\$0.+\$@")


def modeline(text: str) -> tuple[str, ...]:
    """By `-*- mode: x -*-` or `vim: ft=x` in the first or last lines."""
    lines = [*text.split("\n", SCOPE)[:SCOPE], *text.rstrip("\n").rsplit("\n", SCOPE)[-SCOPE:]]
    near = "\n".join(lines)
    if len(near) > LONGEST_LINE:
        near = "\n".join([line[:LONGEST_LINE] for line in lines])
    found = EMACS.search(near) if "-*-" in near else None
    if not found and any(name in near for name in VIM_NAMES) and (vim := VIM.search(near)):
        found = VIM_SYNTAX.search(vim[1])
    if not found or "UseVimball" in near:
        return ()
    name = tables().aliases.get(found[1].lower())
    return (name,) if name else ()


def filename(name: str) -> tuple[str, ...]:
    """By the whole name of the file."""
    return tables().filenames.get(name, ())


def shebang(text: str) -> tuple[str, ...]:
    """By `#!interpreter`."""
    return tables().interpreters.get(interpreter(text) or "", ()) if text.startswith("#!") else ()


def interpreter(text: str) -> str | None:
    """The program that a first line names, without its minor version."""
    found = SHEBANG.match(text.split("\n", 1)[0][:LONGEST_LINE])
    if not found:
        return None
    script = found[1].rsplit("/", 1)[-1]
    if script == "env":
        words = ENV_WORDS.match(found[2])
        script = words[1] if words and words[1] else ""
    script = VERSION.sub("", script)
    if script == "sh":
        for line in text.split("\n", SCOPE)[:SCOPE]:
            if trampoline := TRAMPOLINE.search(line[:LONGEST_LINE]):
                return trampoline[1]
    if script == "osascript" and "-l" in found[2]:
        return None
    return script.rsplit("/", 1)[-1] or None


def extension(name: str) -> tuple[str, ...] | None:
    """By the longest extension that a language claims; None for one that says nothing by itself."""
    low = name.lower()
    if low.endswith(_generic()):
        return None
    known = tables().extensions
    at = low.find(".")
    while at >= 0:
        if found := known.get(low[at:]):
            return found
        at = low.find(".", at + 1)
    return ()


def xml(text: str) -> tuple[str, ...]:
    """By an XML declaration in the first two lines."""
    return ("XML",) if XML.search("\n".join(text.split("\n", 2)[:2])) else ()


def manpage(name: str) -> tuple[str, ...]:
    """By an extension like that of a manual page."""
    return ("Roff Manpage", "Roff") if MANPAGE.search(name) else ()


@cache
def _generic() -> tuple[str, ...]:
    return tuple(json.loads(data("heuristics.json"))["generic"])
