"""Secrets in known formats are found and never told; code that only looks for them is not one."""

import pytest

from backend.scan.rules import judge
from backend.scan.secrets import secret

BODY = "R7kQ2mZx9Lw4TnV8bYc3HsD6fGj2PaE5uKrW"
"""Made up; joined with its mark below, so that no scanner takes this file for a leak."""
LEAKS = [
    ("GitHub Token", "gh" + "p_" + BODY),
    ("AWS Access Key", "AK" + "IAQ7RZKWL2MXTB4VJN"),
    ("Stripe Access Key", "sk" + "_live_" + BODY[:24]),
    ("Slack Token", "xo" + "xb-841530269174-" + BODY[:24]),
]


@pytest.mark.parametrize(("kind", "token"), LEAKS)
def test_a_token_is_found_and_not_told(kind: str, token: str) -> None:
    text = f"import os\n\nTOKEN = '{token}'\n" + "print(os.environ)\n" * 4
    told = secret(text)
    assert told == f"it holds a secret on line 3: {kind}"
    found = judge("a.py", len(text), text.encode())
    assert found.reason == "secrets" and token not in found.detail and token[4:12] not in found.detail


def test_a_private_key_has_a_body() -> None:
    header = "-----BEGIN " + "RSA PRIVATE KEY-----"
    assert secret(f"if text.startswith('{header}'):\n    pass\n") is None
    assert secret(f"\nKEY = '''{header}\n" + "Ab3/" * 16 + "\n") == "it holds a secret on line 2: private key"
    assert secret(f'KEY = "{header}\\n' + "Ab3/" * 16 + '"') is not None


@pytest.mark.parametrize(
    "text",
    [
        "password = 'correct horse battery staple'\n",
        "digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'\n",
        "key = 'AK" + "IAIOSFODNN7EXAMPLE'\n",
        "url = 'https://user:password@localhost/'\n",
        "PREFIX = 'ghp_'\n",
    ],
)
def test_clean_code_is_left_alone(text: str) -> None:
    assert secret(text) is None
