"""The page of IDE settings in docs/, written from what Serve shows in Connect an IDE: `make docs`."""

import sys
from collections.abc import Iterator

from refact_tui import connect
from refact_tui.ide_notes import SECTIONS, Note

HERE, THERE, BOX = "http://127.0.0.1:8008", "https://gpu-box.example.org:8008", "gpu-box"
HEAD = """# IDE settings

Made by `make docs` from `refact_tui/connect.py`. The screen shows the same with your own address and model: Serve
(`5`), `]` to *Connect an IDE*, `y` copies.

## First: how your editor reaches the box

**On the box itself** nothing is needed: `{here}` is served without a key.

**From your laptop**, by a tunnel. To the engine you are then on the box, so no key is needed either:

```sh
{tunnel}
```

`-L 18008:127.0.0.1:8008` where port 8008 is taken there; the address is then `http://127.0.0.1:18008`. In
`~/.ssh/config` it is `LocalForward 8008 127.0.0.1:8008`. VS Code's Remote-SSH and JetBrains Gateway run their plug-ins
on the box, or forward the port by themselves.

**From other machines** the engine must be told, everybody gets a key, and a certificate keeps it secret:

```sh
refact-tui keys create ann                            # printed once
refact-tui settings set host 0.0.0.0                  # all addresses of this box
refact-tui settings set tls_cert /etc/ssl/box.pem     # and tls_key
refact-tui settings set public_url {there}
refact-tui engine restart
```

Without a certificate keys and code go in the clear: prefer the tunnel. A certificate of your own making has to be made
known where the client runs: `SSL_CERT_FILE` for OpenAI's Python client, `NODE_EXTRA_CA_CERTS` for programs in node,
the system's store for most others. Behind a proxy: [deploy.md](deploy.md).

Below, `starter` is the model that answers in this example; any that is hosted may stand there, and `starter:base` or
`starter:RUN:STEP` ask for one checkpoint whatever is served.

## What was tried

The real clients named here are installed and run against the endpoint by tests; no editor is. What is only written from
a plug-in's documentation says so; the screens of editors were never looked at.

{tried}

## Seeing a switch

A switch takes effect with the next request, and no request fails by it. What an editor shows may be older: plug-ins
keep answers, each in its own way (below). These keep none: `c` in Serve's *Try it*, which asks the base model and
what is served side by side; `starter:base` as the model, which asks the base alone; `refact-tui complete
FILE:LINE:COL` in the shell. Serve's *Requests* shows which checkpoint answered what the editor asked.
"""


def page() -> str:
    """The whole page in Markdown."""
    near = {one.name: one for one in connect.settings(HERE, "starter", BOX)}
    far = {one.name: one for one in connect.settings(THERE, "starter", BOX)}
    notes = [note for some in SECTIONS.values() for note in some]
    rows = [f"| {note.title} | {note.held or 'its documentation only'} | {proof(note)} |" for note in notes]
    tried = "\n".join(["| plug-in | held to | by |", "|---|---|---|", *rows])
    parts = [HEAD.format(here=HERE, there=THERE, tunnel=near[connect.LAPTOP].text, tried=tried)]
    for title, some in SECTIONS.items():
        parts.append(f"## {title}\n")
        for note in some:
            parts += list(about(note, near, far))
    return "\n".join(parts)


def proof(note: Note) -> str:
    """The test by its path; a dash where there is none."""
    return f"[`{note.test.rpartition('/')[2]}`](../{note.test})" if note.test else "–"


def about(note: Note, near: dict[str, connect.Setting], far: dict[str, connect.Setting]) -> Iterator[str]:
    """One plug-in: its settings, here and where a key is needed, and what it keeps."""
    yield f"### {note.title}\n"
    for name in note.names:
        here, there = near.get(name), far[name]
        same = here is not None and here.text.replace(HERE, THERE) == there.text
        one = here or there
        title = name.strip() if here else f"{name.strip()}, from another machine"
        yield f"{title} ({one.where}):\n\n{block(one, note)}"
        if here and not same:
            yield f"From another machine:\n\n{block(there, note)}"
    yield f"{note.cache} {note.more}".strip() + "\n"


def block(one: connect.Setting, note: Note) -> str:
    """The text as it is to be copied."""
    plain = "\n" not in one.text and one.text.startswith(("http", "starter", connect.KEY))
    language = "text" if plain else "elisp" if one.where.startswith("init.el") else note.language
    return f"```{language}\n{one.text}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
