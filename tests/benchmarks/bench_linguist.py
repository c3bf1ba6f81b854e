"""Agreement of the scan's eye with GitHub Linguist, file by file: languages, generated and vendored.

usage: bench_linguist.py [FOLDER …]   (default: the four trees of `trees.py`)

Every difference is told with what decided on either side. Needs Linguist's Ruby library (Debian: ruby-github-linguist);
without it this says so and does nothing.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.scan.linguist import heuristics, strategies
from backend.scan.linguist.detect import detect
from backend.scan.linguist.generated import generated
from backend.scan.linguist.vendored import vendored
from backend.scan.rules import LARGEST
from backend.scan.text import decode, is_binary
from tests.benchmarks.trees import trees

ORACLE = """
require 'linguist'; require 'json'
class Decided
  attr_accessor :by
  def instrument(name, payload = {})
    @by = payload[:strategy].to_s.split('::').last if name == 'linguist.detected'
    yield if block_given?
  end
end
Linguist.instrumenter = decided = Decided.new
vendor = YAML.load_file(File.join(Gem.loaded_specs['github-linguist'].full_gem_path, 'lib/linguist/vendor.yml'))
rules = Linguist::Generated.instance_methods(false).select { |one| one.end_with?('?') && one != :generated? }
$stdin.each_line(chomp: true) do |path|
  blob = Linguist::FileBlob.new(path, Dir.pwd)
  decided.by = nil
  language = Linguist.detect(blob, allow_empty: true)
  by_rule = blob.generated? && rules.find { |one| Linguist::Generated.new(blob.name, blob.data).send(one) rescue false }
  by_pattern = blob.vendored? && vendor.find { |one| Regexp.new(one) =~ path }
  puts JSON.generate([path, blob.binary?, language && language.name, !!blob.generated?, !!blob.vendored?,
                      decided.by, by_rule || nil, by_pattern || nil])
end
"""
QUESTIONS = ("language", "generated", "vendored")
MOST_NAMED = 4


@dataclass
class Tree:
    """Text files of one tree, and what differs by question: path, Linguist's word and ours, each with its reason."""

    files: int = 0
    seen_otherwise: int = 0
    """That are binary to one of us and text to the other."""
    different: dict[str, list[tuple[str, str, str]]] = field(default_factory=lambda: {one: [] for one in QUESTIONS})

    def share(self, question: str) -> float:
        """Of the files on which we agree."""
        return 1 - len(self.different[question]) / max(self.files, 1)


def paths(root: Path) -> list[str]:
    """Regular files that the scan would read."""
    return [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and "\n" not in str(path) and path.stat().st_size <= LARGEST
    ]


def answers(root: Path) -> Iterator[list[Any]]:
    """Linguist's word on every file, with what decided."""
    done = subprocess.run(
        ["ruby", "-e", ORACLE], input="\n".join(paths(root)), cwd=root, capture_output=True, text=True, check=True
    )
    return map(json.loads, done.stdout.splitlines())


def ours(path: str, text: str) -> dict[str, tuple[Any, str]]:
    """Our word on a file by question, with what decided."""
    made, foreign = generated(path, lambda: text), vendored(path)
    return {
        "language": (detect(path, text), decided(path, text)),
        "generated": (made is not None, made or "no rule of ours"),
        "vendored": (foreign is not None, foreign or "no pattern of ours"),
    }


def decided(path: str, text: str) -> str:
    """What each of our strategies says of a file."""
    name = path.rsplit("/", 1)[-1]
    told = {
        "mode line": strategies.modeline(text),
        "name": strategies.filename(name),
        "shebang": strategies.shebang(text),
        "extension": strategies.extension(name) or (),
        "XML": strategies.xml(text),
        "manual page": strategies.manpage(name),
        "rules in the text": heuristics.settle(name, text),
    }
    said = [f"{what}: {_some(languages)}" for what, languages in told.items() if languages]
    settled = any(len(languages) == 1 for languages in told.values())
    return "; ".join(said if settled else [*said, "then the words of the samples"]) if said else "no strategy of ours"


def _some(languages: tuple[str, ...]) -> str:
    return " or ".join(languages) if len(languages) <= MOST_NAMED else f"one of {len(languages)}"


def compare(root: Path) -> Tree:
    """One tree."""
    found = Tree()
    for path, binary, language, made, foreign, strategy, rule, pattern in answers(root):
        data = (root / path).read_bytes()
        text = None if is_binary(data) else decode(data)
        found.seen_otherwise += binary != (text is None)
        if binary or text is None:
            continue
        found.files += 1
        theirs = {
            "language": (language, strategy or "no strategy"),
            "generated": (made, rule or "no rule"),
            "vendored": (foreign, pattern or "no pattern"),
        }
        for question, (word, why) in ours(path, text).items():
            their_word, their_why = theirs[question]
            if their_word != word:
                found.different[question].append((path, f"{their_word} ({their_why})", f"{word} ({why})"))
    return found


def main() -> None:
    if not shutil.which("ruby") or subprocess.run(["ruby", "-e", "require 'linguist'"], capture_output=True).returncode:
        print("skipped: Linguist's Ruby library is not installed (Debian: ruby-github-linguist)")
        return
    wanted = {folder: Path(folder) for folder in sys.argv[1:]} or trees()
    found = {name: compare(root) for name, root in wanted.items()}
    for name, tree in found.items():
        for question, different in tree.different.items():
            for path, their, our in different:
                print(f"{name}: {question} of {path}\n    Linguist: {their}\n    we:       {our}")
    print(f"\n{'agreement':<20} {'text files':>10} " + " ".join(f"{question:>10}" for question in QUESTIONS))
    for name, tree in found.items():
        shares = " ".join(f"{tree.share(question):>10.3%}" for question in QUESTIONS)
        print(f"{name[-20:]:<20} {tree.files:>10,} {shares}  ({tree.seen_otherwise} files are text to one of us only)")


if __name__ == "__main__":
    main()
