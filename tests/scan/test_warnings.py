"""What looks like a secret is warned of with its line, refuses nothing, and is told nowhere."""

import heapq
import shlex
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.context import Context
from backend.errors import BadRequest
from backend.scan import changes, results
from backend.scan.rules import judge
from backend.scan.secrets import secret
from backend.scan.shape import Signs
from backend.scan.warnings import KEY_OF, MOST, PASS_OF, signs_of_keywords, told, warn
from backend.wire import ScanSettings
from tests.scan.test_scan_flow import bring, check_totals, scanned
from tests.scan.test_secrets import LEAKS

COMPOSED = [
    f"{owner.decode()}{joint}{word}"
    for owners, word in ((KEY_OF, "key"), (PASS_OF, "pass"))
    for owner in owners
    for joint in ("", "_")
]
MIXED = "q7RkZ2mXw9Lt4VnB8cYh3DsG6f"
"""Made up, as are the others."""
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"


@pytest.mark.parametrize(
    ("path", "line", "kind"),
    [
        ("a.py", "password = 'correct horse battery staple'", "password"),
        ("a.py", "connect(host, passwd='geheim$parole')", "password"),
        ("a.js", 'const config = {db_password: "Tr0ub4dor&3"};', "password"),
        ("a.go", 'apiKey := "zebra-crossing-9"', "key"),
        ("a.java", 'String clientSecret = "zebra-crossing-9";', "key"),
        ("conf.yaml", "  password: tr0ub4dor", "password"),
        ("a.py", f"HEADERS = {{'X-Auth': '{MIXED}'}}", "random"),
        ("a.py", f"digest = '{HASH}'", "random"),
        ("ünï.py", f"name = 'ünï'; value = \"{MIXED}==\"", "random"),
    ],
)
def test_what_is_warned_of(path: str, line: str, kind: str) -> None:
    text = f"import os\n\n{line}\n" + "print(os.environ)\n" * 9
    assert warn(path, text) == f"3:{kind}"
    assert secret(text) is None and judge(path, len(text), text.encode()).reason in (None, "not_code")
    (words,) = told(warn(path, text))
    assert words.endswith("on line 3 (not rejected)")
    assert not any(value in words for value in ("horse", "geheim", "zebra", "0ub4", MIXED, HASH))


@pytest.mark.parametrize("word", ["password", "passwd", "pwd", "secret", "contraseña", *COMPOSED])
def test_every_keyword_is_seen_in_whatever_case_names_have_it(word: str) -> None:
    camel = "".join(part.title() for part in word.split("_"))
    for name in {word, word.upper(), camel, camel[0].lower() + camel[1:], word.title(), f"my_{word}", f"My{camel}s"}:
        for before in ("", "'", "é = ", "\n    "):
            text = f"{before}{name}: tr0ub4dor\n"
            kinds = warn("a.yaml", text, Signs(signs_of_keywords()).found_in(text))
            assert kinds and kinds == warn("a.yaml", text), text


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "password = os.environ['PASSWORD']"),
        ("a.py", "password = getpass.getpass('Password: ')"),
        ("a.py", 'label = "Enter your password"; password = "{password}"'),
        ("a.py", "password = ''; secret = None; token = 'x'"),
        ("a.py", "self.password = password"),
        ("a.py", "PASSWORD_FIELD = 'password_field'"),
        ("a.py", "api_key = 'your-api-key-here'"),
        ("a.js", 'password: "changeme-example"'),
        ("a.py", "path = 'a_rather_long_name_of_a_function_2'"),
        ("a.py", "id = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'"),
        ("a.py", "alphabet = '" + "abcdefghijklmnopqrstuvwxyz0123456789'"),
        ("conf.yaml", "  password: ${DB_PASSWORD}"),
    ],
)
def test_clean_code_is_not_warned_of(path: str, line: str) -> None:
    assert warn(path, f"\n{line}\n") == ""


def test_the_standard_library_is_clean() -> None:
    for module in (heapq, shlex):
        path = Path(str(module.__file__))
        assert warn(path.name, path.read_text()) == ""


def test_many_are_told_in_few_words() -> None:
    text = "".join(f"password{number} = 'tr0ub4dor-{number}'\n" for number in range(3 * MOST))
    assert len(warn("a.py", text).split()) == MOST
    assert told(warn("a.py", text)) == ["looks like a password on lines 1, 2, 3, 4, 5 and 15 more (not rejected)"]
    both = f"password = '{MIXED}'\nvalue = '{MIXED}'\n"
    assert warn("a.py", both) == "1:password 2:random"


@settings(deadline=None)  # the first text with a keyword loads the detectors
@given(st.text(max_size=200) | st.text(alphabet="pasword_keysecrt:=\"'\n A9z/+-", max_size=300))
def test_any_text_has_its_lines_in_order(text: str) -> None:
    lines = [int(one.split(":")[0]) for one in warn("a.py", text).split()]
    assert lines == sorted(set(lines)) and all(1 <= line <= text.count("\n") + 1 for line in lines)


def test_a_text_made_to_be_slow_ends_soon() -> None:
    for line in ("secret" * 100, "secret" + "x" * 90 + " " * 900, "secret='" + "'" * 900, "password='" + '\\"' * 400):
        warn("a.py", f"{line}\n" * (200_000 // len(line)))


def body(name: str) -> str:
    return "".join(f"def {name}_{line}(value):\n    return value.field_{line}\n\n" for line in range(20))


async def test_warnings_are_kept_counted_and_filtered(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "vendor").mkdir(parents=True)
    (folder / "clean.py").write_text(body("clean"))
    (folder / "login.py").write_text(f"password = 'tr0ub4dor'\n{body('login')}\n\nvalue = '{MIXED}'\n")
    (folder / "vendor" / "login.py").write_text(f"password = 'tr0ub4dor'\n{body('vendored')}\n")
    (folder / "vendor" / "leak.py").write_text(f"TOKEN = '{LEAKS[0][1]}'\n")
    await bring(context, folder)
    scan = await scanned(context)
    assert (scan.accepted, scan.warnings) == (2, 1)
    assert scan.detail.startswith("2 of 4 files accepted. 1 of them may hold a secret (filter: warning:secret).")
    (row,) = (await results.page(context, text="warning:secret")).rows
    assert (row.path, row.verdict, row.detail) == ("login.py", "accepted", "")
    assert row.warnings == ["looks like a password on line 1 (not rejected)", *told("64:random")]
    assert (await results.preview(context, row.id)).file.warnings == row.warnings
    assert (await results.page(context, text="warning:random")).total == 1
    assert (await results.page(context, text="warning:key")).total == 0
    with pytest.raises(BadRequest, match="no warning"):
        await results.page(context, text="warning:danger")

    # A mask overrules our guess of what is vendored, and neither the secret beneath it nor the warning.
    masked = await changes.apply(context, ScanSettings(include=["vendor/"]))
    assert masked is not None
    check_totals(masked)
    assert (masked.accepted, masked.warnings, masked.reasons) == (3, 2, {"secrets": 1})
    (leak,) = (await results.page(context, reason="secrets")).rows
    assert leak.path == "vendor/leak.py" and (await results.preview(context, leak.id)).text == ""
    for answer in (await results.page(context), await results.preview(context, leak.id)):
        assert LEAKS[0][1].encode() not in msgspec.json.encode(answer)
    again = await scanned(context)
    assert (again.accepted, again.warnings, again.reasons) == (3, 2, {"secrets": 1})
