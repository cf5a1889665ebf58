"""Words of a command line that fit no verb: one message that says what to write, as for every other wrong input."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ranknosh.cli.working import USAGE, leave
from ranknosh.errors import printable, to_type

# Typer brings its own copy of click or uses the one of the machine, by its version; in both, BadParameter has this one above it.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


_NO_WORDS = "NoArgsIsHelpError"
"""The name of what a group without a verb raises, which shows the help."""
_EXTRA = re.compile(r"unexpected extra argument\S* \((\S+)")


class Verb(TyperCommand):
    """A verb whose words are checked in one message."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _one_message(self, ctx):
            return super().parse_args(ctx, args)


class Verbs(TyperGroup):
    """A group of verbs, likewise; also where a verb is asked for that it does not have."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        with _one_message(self, ctx):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        with _one_message(self, ctx):
            return super().resolve_command(ctx, args)


@contextmanager
def _one_message(command: Any, ctx: Any) -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if type(error).__name__ == _NO_WORDS:
            raise
        words = ctx.command_path.split()[1:]
        said = " ".join(printable(str(error.format_message())).split()).rstrip(".")  # type: ignore[attr-defined]
        required = [option for option in command.params if option.required and option.opts[0].startswith("--")]
        needed = [f"{option.opts[0]} {option.metavar or option.name.upper()}" for option in required]
        form = " ".join([to_type(*words), *needed, *command.collect_usage_pieces(ctx)])
        extra = _EXTRA.search(said)
        flags = [flag for flag in ("--data", "--space") for option in command.params if flag in option.opts]
        if extra and flags:
            form += f", {flags[0][2:]} with {flags[0]} {extra[1].rstrip(')')}"
        leave(
            f"error: {to_type(*words)}: {said[:1].lower()}{said[1:]}; write {form} ({to_type(*words, '--help')} says more)",
            USAGE,
        )
