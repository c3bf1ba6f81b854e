"""Makes `data/` from GitHub Linguist: `python -m backend.scan.linguist.make_data FOLDER`, its `lib/linguist`.

Linguist's patterns are written for Ruby; what Ruby spells otherwise is turned into Python's spelling here, once.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backend.scan.linguist.needs import needs

DATA = Path(__file__).parent / "data"
NOTICE = (
    "From GitHub Linguist {version} (https://github.com/github-linguist/linguist), MIT; see LICENSE beside this file."
)
WORDS = 80
"""Of each language's samples, the commonest."""
KEPT = ("type", "extensions", "filenames", "interpreters", "aliases")
RUBY = (
    (r"[\s&&[^\n]]", r"[^\S\n]"),
    (r"\R", r"(?:\r\n|[\n\r])"),
    (r"\z", r"\Z"),
    (r"\h", "[0-9a-fA-F]"),
    ("(?m:", "(?s:"),
)
WHOLE_FLAGS = re.compile(r"\A\(\?([im]+)\)(.*)\Z", re.DOTALL)
"""Flags for a whole pattern, as Ruby writes them; its m is Python's s."""


def python_pattern(ruby: str) -> str:
    """The same pattern for `re` with MULTILINE and ASCII, which are always on in Linguist."""
    for theirs, ours in RUBY:
        ruby = ruby.replace(theirs, ours)
    if flagged := WHOLE_FLAGS.match(ruby):
        ruby = f"(?{flagged[1].replace('m', 's')}:{flagged[2]})"
    re.compile(ruby, re.MULTILINE | re.ASCII)
    return ruby


def conditions(rule: dict[str, Any], named: dict[str, list[str]]) -> list[dict[str, Any]]:
    """What must hold for a rule, all of it; nothing where it always holds."""
    if "and" in rule:
        return [one for part in rule["and"] for one in conditions(part, named)]
    if "named_pattern" in rule:
        return [_any_of(named[rule["named_pattern"]])]
    for key, negative in (("pattern", False), ("negative_pattern", True)):
        if key in rule:
            return [_any_of(python_pattern(one) for one in _listed(rule[key])) | ({"not": True} if negative else {})]
    return []


def _any_of(patterns: Iterable[str]) -> dict[str, Any]:
    """Each pattern with the words of which it needs one."""
    return {"any": [[pattern, *needs(pattern)] for pattern in patterns]}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def heuristics(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    """Linguist's disambiguations: extensions, and rules in their order."""
    named = {name: [python_pattern(one) for one in _listed(value)] for name, value in loaded["named_patterns"].items()}
    return [
        {
            "extensions": block["extensions"],
            "rules": [
                {"languages": _listed(rule["language"]), "all": conditions(rule, named)} for rule in block["rules"]
            ],
        }
        for block in loaded["disambiguations"]
    ]


def samples(loaded: dict[str, Any], languages: dict[str, Any]) -> dict[str, Any]:
    """Files, tokens and the commonest tokens of each language that shares an extension with another."""
    claims = Counter(extension for facts in languages.values() for extension in facts.get("extensions", ()))
    shared = {name for name, facts in languages.items() if any(claims[one] > 1 for one in facts.get("extensions", ()))}
    return {
        name: [loaded["languages"][name], loaded["language_tokens"][name], dict(Counter(tokens).most_common(WORDS))]
        for name, tokens in sorted(loaded["tokens"].items())
        if name in shared
    }


def main(folder: Path) -> None:
    """Write languages.json, heuristics.json, samples.json and vendored.txt."""
    import yaml

    notice = NOTICE.format(version=(folder / "VERSION").read_text().strip())
    loaded = yaml.safe_load((folder / "languages.yml").read_text())
    languages = {name: {key: facts[key] for key in KEPT if key in facts} for name, facts in loaded.items()}
    lines = [f" {json.dumps(name, ensure_ascii=False)}: {json.dumps(facts)}" for name, facts in languages.items()]
    body = ",\n".join([f' "": {json.dumps(notice)}', *lines])
    (DATA / "languages.json").write_text(f"{{\n{body}\n}}\n")
    rules = {
        "notice": notice,
        "generic": yaml.safe_load((folder / "generic.yml").read_text())["extensions"],
        "disambiguations": heuristics(yaml.safe_load((folder / "heuristics.yml").read_text())),
    }
    (DATA / "heuristics.json").write_text(json.dumps(rules, indent=1) + "\n")
    known = json.loads((folder / "samples.json").read_text())
    lines = [f" {json.dumps(name)}: {json.dumps(facts)}" for name, facts in samples(known, languages).items()]
    totals = f'"files": {known["languages_total"]}, "tokens": {known["tokens_total"]}'
    body = ",\n".join(lines)
    (DATA / "samples.json").write_text(f'{{"notice": {json.dumps(notice)}, {totals}, "languages": {{\n{body}\n}}}}\n')
    vendored = [python_pattern(one) for one in yaml.safe_load((folder / "vendor.yml").read_text())]
    (DATA / "vendored.txt").write_text("\n".join([f"# {notice}", *vendored]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
