"""`.gitattributes`: the deeper file and the later line win, patterns are git's, what is said goes before guesses."""

from pathlib import Path

import pytest

from backend.context import Context
from backend.scan import results
from backend.scan.linguist.attributes import NOTHING, Attributes, Said
from tests.scan.test_scan_flow import bring, check_totals, reasons, sample, scanned

ROOT = """
# comments and other attributes say nothing
*.txt text eol=lf
vendor/* -linguist-vendored
gen/** linguist-generated
*.inc linguist-language=PHP
*.x linguist-language=nothing-known
third_party/keep.py linguist-vendored=false
*.pb.py linguist-generated=true
folder/ linguist-generated
"""
DEEP = "*.inc !linguist-language\n*.pb.py -linguist-generated\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a.txt", NOTHING),
        ("vendor/a.py", Said(vendored=False)),
        ("vendor/deep/a.py", NOTHING),
        ("gen/deep/a.py", Said(generated=True)),
        ("x/a.inc", Said(language="PHP")),
        ("deep/a.inc", NOTHING),
        ("a.x", NOTHING),
        ("third_party/keep.py", Said(vendored=False)),
        ("a.pb.py", Said(generated=True)),
        ("deep/a.pb.py", Said(generated=False)),
        ("folder/a.py", NOTHING),
    ],
)
def test_what_is_said_of_a_file(path: str, said: Said) -> None:
    attributes = Attributes({"deep/.gitattributes": DEEP, ".gitattributes": ROOT})
    assert attributes.of(path) == said


def test_nothing_said_has_no_fingerprint() -> None:
    assert Attributes({}).fingerprint == Attributes({".gitattributes": "*.txt text\n"}).fingerprint == ""
    assert Attributes({".gitattributes": ROOT}).fingerprint != Attributes({"a/.gitattributes": ROOT}).fingerprint


async def test_a_scan_obeys_it_and_notices_a_change(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    sample(folder)
    (folder / "vendor").mkdir()
    (folder / "vendor" / "ours.py").write_text("def ours():\n    return 1\n" * 20)
    await bring(context, folder)
    before = await scanned(context)
    assert (await reasons(context))["vendor/ours.py"] == "vendored"
    (folder / ".gitattributes").write_text("vendor/* -linguist-vendored\ngood1.py linguist-generated\n")
    after = await scanned(context)
    check_totals(after)
    found = {row.path: (row.reason, row.detail) for row in (await results.page(context)).rows}
    assert found["vendor/ours.py"] == (None, "")
    assert found["good1.py"] == ("generated", "the project's .gitattributes says so")
    (folder / ".gitattributes").unlink()
    again = await scanned(context)
    assert again.reasons == before.reasons
