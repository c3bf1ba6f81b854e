"""The page of modules in docs/: each with the sentence that it opens with; `make docs` writes it."""

import ast
import re
import sys

from tests.house.tree import modules, packages, path_of

HEAD = """# Every module, in a sentence

Made by `make docs` from the sentence that each module opens with. [architecture.md](architecture.md) says how they
belong together.
"""
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


def page() -> str:
    """The whole page in Markdown: a table for each package."""
    parts = [HEAD]
    for package in sorted(packages()):
        inside = [one for one in modules() if one.rpartition(".")[0] == package and one not in packages()]
        rows = [f"| [`{one.rpartition('.')[2]}`]({link(one)}) | {plain(sentence(one))} |" for one in sorted(inside)]
        parts.append(f"## {package.replace('.', '/')}/\n\n{plain(sentence(package))}\n")
        parts += ["\n".join(["| module | what it is for |", "|---|---|", *rows, ""])] if rows else []
    return "\n".join(parts)


def sentence(name: str) -> str:
    """What a module says of itself first."""
    first = (ast.get_docstring(modules()[name]) or "").partition("\n\n")[0]
    return END.split(" ".join(first.split()))[0]


def plain(text: str) -> str:
    """The text with nothing in it that Markdown would read as its own, but for what stands in backticks."""
    pieces = [one if turn % 2 else re.sub(r"([*<])", r"\\\1", one) for turn, one in enumerate(text.split("`"))]
    return "`".join(pieces).replace("|", r"\|")


def link(name: str) -> str:
    """The source file, as seen from docs/."""
    parts = path_of(name).parts
    return "/".join(["..", *parts[-len(name.split(".")) :]])


if __name__ == "__main__":
    sys.stdout.write(page())
