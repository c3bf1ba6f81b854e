"""What to type into each IDE plug-in to use this engine, with the real address; pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Setting:
    """One thing to copy: the plug-in, where its setting is, and the text itself."""

    name: str
    where: str
    text: str


def settings(public_url: str, model: str, host: str) -> list[Setting]:
    """The settings for a public address such as `http://127.0.0.1:8008`; `host` is this box's name for ssh."""
    url = public_url.rstrip("/")
    port = urlsplit(url).port or 80
    body = f'{{"model": "{model}", "prompt": "def fibonacci(n):\\n", "max_tokens": 32}}'
    found = [
        Setting("Refact · VS Code", "settings.json", f'"refactai.addressURL": "{url}"'),
        Setting("Refact · JetBrains", "Settings › Tools › Refact.ai › Address URL", url),
        Setting("OpenAI-compatible", "base URL; any API key will do", f"{url}/v1"),
        Setting("  its model", "model, for the legacy completions endpoint", model),
        Setting("curl", "a shell", f"curl -s {url}/v1/completions -H 'Content-Type: application/json' -d '{body}'"),
    ]
    if is_local(url):
        tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {host}"
        found.append(Setting("From your laptop", "there, before the above", tunnel))
    return found


def is_local(url: str) -> bool:
    """True where only this box itself can reach the address."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
