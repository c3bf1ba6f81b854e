"""The systemd user unit that keeps the engine of one state home, as text; pure but for where this installation lies."""

from collections.abc import Sequence

from backend.paths import Paths
from refact_tui.launch import COMMAND
from refact_tui.systemd import environment_lines, quoted

SAVING_S = 100
"""Runs save within 60 s, then requests end and processes go; user managers themselves get 120 s at shutdown."""
REFUSED = set("\"'\\")
"""What systemd takes in no program's path; `env` takes it."""
UNIT = """\
# Written by `refact-tui engine unit`. Changes of your own: systemctl --user edit refact-tui
[Unit]
Description=refact-tui engine: tunes code models and serves them
# One that cannot start (its port is taken, another engine runs) is not tried for ever.
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart={command}
{environment}# Only the engine is told to end, and lets runs save; killed, it leaves them to the next one.
KillMode=process
TimeoutStopSec={saving}
Restart=on-failure
RestartSec=1
# A trainer that ran out of memory is raised again by the engine; the others need not end with it.
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


def unit(paths: Paths, command: Sequence[str] = COMMAND) -> str:
    """The unit's text for a home, with what the shell's environment says of home and endpoint."""
    environment = "".join(f"{line}\n" for line in environment_lines(paths))
    return UNIT.format(command=_words(command), environment=environment, saving=SAVING_S)


def _words(command: Sequence[str]) -> str:
    """A command line as systemd reads it: in arguments, but not in the program's own path, `$` begins a variable."""
    if set(command[0]) & REFUSED:
        command = ("/usr/bin/env", *command)
    program, *arguments = command
    return " ".join([quoted(program), *(_bare(argument.replace("$", "$$")) for argument in arguments)])


def _bare(text: str) -> str:
    return text if text.replace("-", "").replace("_", "").isalnum() else quoted(text)
