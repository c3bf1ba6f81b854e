"""The tree of verbs: how each is declared, and how whatever happens becomes an exit status."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from refact_tui.cli.engine_link import as_failure
from refact_tui.cli.output import DONE, INTERRUPTED, USAGE, Failure, fail
from refact_tui.client import EngineError, EngineUnreachable

Verb = Callable[..., Any]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="refact-tui", prog_name="refact-tui")
@click.option("--project", envvar="REFACT_TUI_PROJECT", help="The project it is about; else the one that is shown.")
@click.pass_context
def root(ctx: click.Context, project: str | None) -> None:
    """Fine-tune a code model on your own code and serve it to your team's IDEs, all on this box.

    Without a verb the terminal program opens. Every verb takes --json."""
    ctx.obj = project


def json_option(verb: Verb) -> Verb:
    """Adds --json to a verb; it arrives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(verb)


def yes_or_no(verb: Verb) -> Verb:
    """Adds --yes to a verb that would lose something; it arrives as `yes`."""
    return click.option("--yes", is_flag=True, help="Agree to what would be lost.")(verb)


def verb(group: click.Group, name: str) -> Callable[[Verb], click.Command]:
    """Declare a verb of a group, with --json."""

    def declare(function: Verb) -> click.Command:
        @functools.wraps(function)
        def run(**options: Any) -> Any:
            return function(**options)

        return group.command(name)(json_option(run))

    return declare


def _is_text(argument: str) -> bool:
    """Whether it can be sent: of a name that is no UTF-8 Python makes a text that is none."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Run one verb; returns its exit status."""
    as_json = "--json" in arguments
    if odd := next((one for one in arguments if not _is_text(one)), None):
        return fail(Failure(f"{odd!r} has bytes that are no UTF-8.", "Give it another name.", "usage", USAGE), as_json)
    try:
        root.main(args=arguments, prog_name="refact-tui", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted; what was started goes on in the engine.", err=True)
        return INTERRUPTED
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.UsageError as error:
        usage = error.ctx.get_usage() if error.ctx and not as_json else ""
        if usage:
            click.echo(usage, err=True)
        return fail(Failure(error.format_message(), "", "usage", USAGE), as_json)
    except click.ClickException as error:
        return fail(Failure(error.format_message()), as_json)
    except (EngineError, EngineUnreachable) as error:
        return fail(as_failure(error), as_json)
    except Failure as failure:
        return fail(failure, as_json)
    except KeyboardInterrupt:
        click.echo("Interrupted; what was started goes on in the engine.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
    return DONE
