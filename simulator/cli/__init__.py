"""The command line, ``clustersim``: one module a family of commands, imported when it is needed.

Commands import what is heavy themselves, so help comes at once. Results go to standard output, progress and errors to
standard error. Exit codes: 0 success, 2 bad input (one line says which file, which key, what was expected), 1 a run
that failed.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType

import click

from simulator.cli.common import ARGUMENTS
from simulator.errors import SimulatorError

__all__ = ["cli", "main"]

#: By the name of each command, in the order of the help: its module and what it is called there.
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "run": ("run", "run"),
        "compare": ("compare", "compare"),
        "sweep": ("sweep", "sweep"),
        "plan": ("plan", "plan"),
        "share": ("share", "share"),
        "failures": ("failures", "failures"),
        "sensitivity": ("sensitivity", "sensitivity"),
        "memory": ("memory", "memory"),
        "probe": ("measure", "probe"),
        "record": ("measure", "record"),
        "calibrate": ("calibrate", "calibrate"),
        "validate": ("validate", "validate"),
        "trace": ("trace", "trace"),
        "import": ("trace", "import_"),
        "examples": ("catalogue", "examples"),
        "profiles": ("catalogue", "profiles"),
        "networks": ("catalogue", "networks"),
        "algorithms": ("catalogue", "algorithms"),
    }
)

#: What a system says of a disk that takes no more.
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})


class _Commands(click.Group):
    """The commands, each loaded when it is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[ARGUMENTS] = tuple(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
        command.name = cmd_name
        return command


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    from simulator.network.fair_shares import compiled_version
    from simulator.planning.keys import release

    compiled = compiled_version()
    click.echo(f"clustersim {release()}, " + (f"compiled help {compiled}" if compiled else "pure Python"))
    context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
def cli() -> None:
    """Which distributed training algorithm, on which cluster, how big: simulated before you have the machines.

    SCENARIO is a TOML file, or the name of a bundled example (see 'clustersim examples').
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: run a command, turn expected errors into one line and an exit code."""
    try:
        code = cli.main(args=arguments, prog_name="clustersim", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _fail(" ".join(error.format_message().split()), error.exit_code)
    except SimulatorError as error:
        _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except MemoryError:
        _fail("this machine has not enough memory for what was asked", 1)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _leave_output()
        _fail(f"standard output: cannot be written ({error.strerror})", 2)
    sys.exit(code if isinstance(code, int) else 0)


def _leave_output() -> None:
    """Let what is left to be written go nowhere, or Python would try again at its end and say so at length."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> None:
    print(f"clustersim: {message}", file=sys.stderr)
    sys.exit(code)
