"""What docs/ide.md says of each plug-in beside its setting: what it keeps, and which real client a test runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """Of the settings of these names in `refact_tui.connect`."""

    title: str
    """What the plug-in goes by, wherever it runs."""
    names: tuple[str, ...]
    language: str
    """How Markdown shows the setting's text."""
    cache: str
    """How the plug-in keeps answers, and how to see a switch of checkpoints all the same."""
    held: str = ""
    """The real client that a test runs, and what of the plug-in it is; empty: written by its documentation only."""
    test: str = ""
    more: str = ""
    """Whatever else one has to know."""


FORM, CURL = (
    "a request of its form, sent by curl; its setting is by its documentation only",
    "tests/clients/test_curl.py",
)
AROUND = "Type a few characters, or change a line above."
SECTIONS: dict[str, tuple[Note, ...]] = {
    "VS Code and JetBrains": (
        Note(
            "Refact",
            ("Refact · VS Code", "Refact · JetBrains"),
            "json",
            "Keeps answers in memory, by the text around the cursor. Which checkpoints there are it reads again by "
            f"itself, since every answer says whether that has changed. {AROUND} `alt+space` in VS Code asks by hand.",
            "the real `refact-lsp` 0.10.14, which both start: completion, streams, chat, keys; no editor is run",
            "tests/clients/test_refact_lsp.py",
            "In JetBrains the key's field stands beside the address. Where the system does not trust the certificate: "
            '`"refactai.insecureSSL": true`. Versions that ask for no address any more (2026) take a custom provider '
            "of OpenAI's form: base URL and model as below.",
        ),
        Note(
            "Tabby",
            ("Tabby",),
            "toml",
            f"Its agent keeps answers in memory, by the text around the cursor and by what you may type next. {AROUND}",
            "the real `tabby-agent` with this very file: completion, what was accepted, keys; no editor is run",
            "tests/clients/test_tabby_agent.py",
            "VS Code, JetBrains, Vim and Neovim share this file. Emacs starts the agent by `lsp-mode`: `npx "
            "tabby-agent --stdio`. It tells the engine what was accepted: Serve and `refact-tui stats` show that.",
        ),
        Note(
            "Continue",
            ("Continue",),
            "yaml",
            "Keeps up to 1000 answers on disk, by the text before the cursor, over restarts too. Turn off *Use "
            "autocomplete cache* in its settings while you compare.",
            "the real `@continuedev/openai-adapters` with this provider; no editor is run",
            "tests/clients/test_node_clients.py",
            "`roles: [autocomplete, chat]` for a model with a chat template.",
        ),
        Note(
            "llama.vscode",
            ("llama.vscode",),
            "json",
            "Keeps 250 answers in memory (`llama-vscode.max_cache_keys`). `ctrl+shift+l` asks without them.",
            FORM,
            CURL,
            more="A certificate of your own: `llama-vscode.self_signed_certificate`. It posts to `/infill`.",
        ),
        Note(
            "Twinny",
            ("Twinny",),
            "text",
            "Keeps none, unless `twinny.completionCacheEnabled` is on.",
            FORM,
            CURL,
            more="The template's marks need not be the model's own: the endpoint takes the prompt apart and lays "
            "it out as the model was trained.",
        ),
    ),
    "Vim, Neovim, Emacs, Zed": (
        Note(
            "llama.vim",
            ("llama.vim",),
            "vim",
            "Keeps 250 answers in memory (`max_cache_keys`). `<leader>llf`, `<C-F>` in older ones, asks without them.",
            "its request and its headers, sent by curl as it sends them; Vim is not run",
            CURL,
        ),
        Note(
            "Refact in Neovim",
            ("Refact · Neovim",),
            "lua",
            f"`refact-lsp` keeps them, as in VS Code. {AROUND}",
            more="It drives `refact-lsp`, which is held to (above); `lsp_bin` says where that is.",
        ),
        Note(
            "minuet",
            ("minuet · Neovim", "minuet · Emacs"),
            "lua",
            f"Goes on showing an answer for as long as what you type agrees with it. {AROUND}",
            FORM,
            CURL,
            more="The key stands in a variable of the environment, and the setting names that; where no key is needed, "
            "any variable will do that is not empty.",
        ),
        Note(
            "cmp-ai",
            ("cmp-ai · Neovim",),
            "lua",
            "Keeps none of its own; nvim-cmp does while its menu is open.",
            FORM,
            CURL,
        ),
        Note(
            "Zed",
            ("Zed",),
            "json",
            AROUND,
            FORM,
            CURL,
            more="It sends the marks of the named format, which are laid out anew as the model was trained.",
        ),
    ),
    "Programs and the shell": (
        Note(
            "OpenAI-compatible",
            ("OpenAI-compatible", "  its model", "  its API key", "openai · Python"),
            "python",
            "Such clients keep nothing.",
            "the real `openai` for Python, with this very script, and for node; `llm`",
            "tests/serve/test_openai.py",
            "`GET /v1/models` lists what may be asked for: `starter`, `starter:base`, `starter:RUN:STEP`.",
        ),
        Note(
            "Ollama's clients",
            ("Ollama's clients",),
            "sh",
            "Such clients keep nothing.",
            "the real `ollama` for Python, without a key",
            "tests/clients/test_python_clients.py",
            "`starter:latest` answers as the endpoint does; `suffix` is what stands behind the cursor.",
        ),
        Note("curl", ("curl",), "sh", "Keeps nothing.", "curl, with this very line", CURL),
    ),
}
