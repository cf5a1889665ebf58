"""Options made from settings: what a verb is given, and what help and messages say."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pytest
import typer
from pydantic import Field
from typer.testing import CliRunner

from ranknosh.cli.flags import flags_of
from ranknosh.config.sections import Section
from ranknosh.config.settings import Change, Settings


class Oven(Section):
    heat: Annotated[int, Field(ge=50, description="degrees")] = 180


class BakeSettings(Settings):
    CHANGES: ClassVar[Mapping[str, Change]] = {}
    oven: Oven = Oven(heat=200)
    shape: Annotated[Literal["loaf", "roll"], Field(description="of the dough")] = "loaf"
    seeds: Annotated[bool, Field(description="on top")] = False
    title: Annotated[str | None, Field(description="on the box")] = None


FLAGS = {"oven.heat": "--heat -t", "shape": "--shape", "seeds": "--with-seeds", "title": "--title", "name": "--name"}


@pytest.fixture
def bake():
    """Runs the verb and gives what it was handed, or the output where it was refused."""
    heard: list[tuple[str, Mapping[str, Any]]] = []

    @flags_of(BakeSettings, FLAGS)
    def verb(given: Mapping[str, Any], flour: Annotated[str, typer.Argument()] = "rye") -> None:
        """Bake."""
        heard.append((flour, given))

    app = typer.Typer()
    app.command()(verb)

    def run(*words):
        heard.clear()
        ended = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
        return heard[0] if heard else ended.output

    return run


def test_only_what_the_user_gave_is_given_under_the_name_of_its_setting(bake):
    assert bake() == ("rye", {})
    assert bake("oat", "-t", "60", "--shape", "roll", "--with-seeds", "--title", "x") == (
        "oat",
        {"oven.heat": 60, "shape": "roll", "seeds": True, "title": "x"},
    )
    assert type(bake("--shape", "loaf")[1]["shape"]) is str


@pytest.mark.parametrize("words", [("--heat", "49"), ("--heat", "warm"), ("--shape", "brick"), ("--given", "x")])
def test_what_the_settings_refuse_is_refused(bake, words):
    assert words[0] in bake(*words)


def test_help_has_descriptions_and_the_defaults_of_the_settings(bake):
    text = " ".join(bake("--help").split())
    for part in ("Degrees; default: 200.", "Of the dough; default: loaf.", "On top.", "On the box.", "--heat -t"):
        assert part in text
