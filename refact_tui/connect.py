"""What to type into each IDE plug-in to use this engine, with the real address; pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

KEY = "YOUR-KEY"
"""Stands where an API key is wanted: the key itself is kept nowhere."""
ANY = "any"
CONTINUE = """- name: refact-tui
  provider: mistral
  apiBase: {url}/v1
  model: {model}
  apiKey: {key}
  roles: [autocomplete]"""


@dataclass(frozen=True)
class Setting:
    """One thing to copy: the plug-in, where its setting is, and the text itself."""

    name: str
    where: str
    text: str


def settings(public_url: str, model: str, host: str) -> list[Setting]:
    """The settings for a public address such as `http://127.0.0.1:8008`; `host` is this box's name for ssh.

    Where others than this box reach the address, they name the key that is needed."""
    url = public_url.rstrip("/")
    at = urlsplit(url)
    port = at.port or (443 if at.scheme == "https" else 80)
    body = f'{{"model": "{model}", "prompt": "def fibonacci(n):\\n", "max_tokens": 32}}'
    local = is_local(url)
    key = ANY if local else KEY
    keyed, bearer = ("", "") if local else (f', "refactai.apiKey": "{key}"', f" -H 'Authorization: Bearer {key}'")
    vim = f"'endpoint_fim': '{url}/infill'" + ("" if local else f", 'api_key': '{key}'")
    found = [
        Setting("Refact · VS Code", "settings.json", f'"refactai.addressURL": "{url}"{keyed}'),
        Setting("Refact · JetBrains", "Settings › Tools › Refact.ai › Address URL", url),
        Setting("Tabby", "~/.tabby-client/agent/config.toml", f'[server]\nendpoint = "{url}"\ntoken = "{key}"'),
        Setting("Continue", "config.yaml, under models", CONTINUE.format(url=url, model=model, key=key)),
        Setting("llama.vim", "vimrc, before the plug-in", f"let g:llama_config = {{{vim}}}"),
        Setting("OpenAI-compatible", "base URL" + ("; any API key will do" if local else ""), f"{url}/v1"),
        Setting("  its model", "model, for the legacy completions endpoint", model),
        Setting(
            "curl", "a shell", f"curl -s {url}/v1/completions -H 'Content-Type: application/json'{bearer} -d '{body}'"
        ),
    ]
    if local:
        tunnel = f"ssh -N -L {port}:127.0.0.1:{port} {host}"
        found.append(Setting("From your laptop", "there, before the above", tunnel))
    else:
        found.insert(6, Setting("  its API key", "API key, in JetBrains too", key))
    return found


def is_local(url: str) -> bool:
    """True where only this box itself can reach the address."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
