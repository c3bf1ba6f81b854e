"""What to type into each IDE plug-in to use this engine, with the real address; pure."""

from dataclasses import dataclass
from string import Template
from urllib.parse import urlsplit

KEY = "YOUR-KEY"
"""Stands where an API key is wanted: the key itself is kept nowhere."""
ANY = "any"
LAPTOP, OPEN = "From your laptop", "OpenAI-compatible"


@dataclass(frozen=True)
class Setting:
    """One thing to copy: the plug-in, where its setting is, and the text itself."""

    name: str
    where: str
    text: str


@dataclass(frozen=True)
class Form:
    """A setting with places for `$url`, `$model`, `$key` and the like, and what is added where a key is needed."""

    name: str
    where: str
    text: str
    keyed: str = ""


CONTINUE = """- name: refact-tui
  provider: mistral
  apiBase: $url/v1
  model: $model
  apiKey: $key
  roles: [autocomplete]"""
TWINNY = """Type: fim   Provider: openai-compatible   Protocol: $scheme
Hostname: $host   Port: $port   Path: /v1/completions
Model name: $model   FIM template: starcoder$keyed"""
MINUET = """require('minuet').setup { provider = 'openai_fim_compatible',
  n_completions = 1, provider_options = { openai_fim_compatible = {
    name = 'refact-tui', model = '$model',
    api_key = '$variable', -- the variable that has it
    end_point = '$url/v1/completions' } } }"""
CMP_AI = """vim.env.TABBY_API_KEY = '$key'
require('cmp_ai.config'):setup({
  provider = 'Tabby',
  provider_options = { base_url = '$url/v1/completions' },
})"""
EMACS = """(setq minuet-provider 'openai-fim-compatible minuet-n-completions 1)
(let ((it minuet-openai-fim-compatible-options))
  (plist-put it :name "refact-tui")
  (plist-put it :end-point "$url/v1/completions")
  (plist-put it :model "$model")
  (plist-put it :api-key "$variable")) ; the variable that has it"""
ZED = """"edit_predictions": { "provider": "open_ai_compatible_api",
  "open_ai_compatible_api": { "api_url": "$url/v1/completions",
    "model": "$model", "prompt_format": "qwen", "max_output_tokens": 64 } }$keyed"""
PYTHON = """from openai import OpenAI

client = OpenAI(base_url="$url/v1", api_key="$key")
asked = {"prompt": "def area(w, h):\\n    return ", "suffix": "\\n"}
print(client.completions.create(model="$model", max_tokens=32, **asked).choices[0].text)"""
CURL = (
    "curl -s $url/v1/completions -H 'Content-Type: application/json'$keyed "
    '-d \'{"model": "$model", "prompt": "def fibonacci(n):\\n", "max_tokens": 32}\''
)
JSON_KEY = ', "$name": "$key"'
FORMS = (
    Form(
        "Refact · VS Code",
        "settings.json",
        '"refactai.addressURL": "$url"$keyed',
        JSON_KEY.replace("$name", "refactai.apiKey"),
    ),
    Form("Refact · JetBrains", "Settings › Tools › Refact.ai › Address URL", "$url"),
    Form("Refact · Neovim", "init.lua", "require('refact-neovim').setup({ address_url = '$url', api_key = '$key' })"),
    Form("Tabby", "~/.tabby-client/agent/config.toml", '[server]\nendpoint = "$url"\ntoken = "$key"'),
    Form("Continue", "config.yaml, under models", CONTINUE),
    Form(
        "llama.vscode",
        "VS Code's settings.json",
        '"llama-vscode.endpoint": "$url"$keyed',
        JSON_KEY.replace("$name", "llama-vscode.api_key"),
    ),
    Form("Twinny", "its providers, in VS Code", TWINNY, "   API key: $key"),
    Form(
        "llama.vim",
        "vimrc, before the plug-in",
        "let g:llama_config = {'endpoint_fim': '$url/infill'$keyed}",
        ", 'api_key': '$key'",
    ),
    Form("minuet · Neovim", "init.lua", MINUET),
    Form("cmp-ai · Neovim", "init.lua", CMP_AI),
    Form("minuet · Emacs", "init.el, after minuet is loaded", EMACS),
    Form("Zed", "settings.json", ZED, "\n// in the shell: export ZED_OPEN_AI_COMPATIBLE_EDIT_PREDICTION_API_KEY=$key"),
    Form("Ollama's clients", "the environment", "OLLAMA_HOST=$url$keyed", " OLLAMA_API_KEY=$key"),
    Form(OPEN, "base URL", "$url/v1"),
    Form("  its model", "model, for the legacy completions endpoint", "$model"),
    Form("openai · Python", "a script", PYTHON),
    Form("curl", "a shell", CURL, " -H 'Authorization: Bearer $key'"),
)


def settings(public_url: str, model: str, host: str) -> list[Setting]:
    """The settings for a public address such as `http://127.0.0.1:8008`; `host` is this box's name for ssh.

    Where others than this box reach the address, they name the key that is needed."""
    url = public_url.rstrip("/")
    at = urlsplit(url)
    port = at.port or (443 if at.scheme == "https" else 80)
    local = is_local(url)
    known: dict[str, str | int] = {
        "url": url,
        "scheme": at.scheme,
        "host": at.hostname or "",
        "port": port,
        "model": model,
    }
    known |= {"key": ANY if local else KEY, "variable": "HOME" if local else "REFACT_TUI_KEY"}
    found = [Setting(form.name, form.where, _filled(form, known, local)) for form in FORMS]
    place = next(number for number, one in enumerate(found) if one.name == OPEN)
    if local:
        found[place] = Setting(OPEN, "base URL; any API key will do", found[place].text)
        return [*found, Setting(LAPTOP, "there, before the above", f"ssh -N -L {port}:127.0.0.1:{port} {host}")]
    return [*found[: place + 2], Setting("  its API key", "API key, in JetBrains too", KEY), *found[place + 2 :]]


def _filled(form: Form, known: dict[str, str | int], local: bool) -> str:
    keyed = "" if local else Template(form.keyed).substitute(known)
    return Template(form.text).substitute(known, keyed=keyed)


def is_local(url: str) -> bool:
    """True where only this box itself can reach the address."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
