"""Options made from settings: what a verb is given, what help and messages say, and the flags of all five workflows."""

from importlib import import_module
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner

from ranknosh.cli.app import app as ranknosh
from ranknosh.cli.flags import flags_of
from ranknosh.config.fields import Duration, setting
from ranknosh.config.sections import Section
from ranknosh.config.settings import Overrides, Settings
from ranknosh.errors import ConfigError
from ranknosh.workflows import HOMES, run_class


class Oven(Section):
    heat: int = setting(180, "degrees", ge=50)
    time: Duration = setting("1h", "in the oven")


class BakeSettings(Settings):
    oven: Oven = setting(Oven(heat=200, time="40m"), "how it is baked")
    shape: Literal["loaf", "roll"] = setting("loaf", "of the dough")
    seeds: bool = setting(False, "on top")
    title: str | None = setting(None, "on the box")
    extras: dict[str, int] = setting({}, "grams, such as salt=9")


FLAGS = {
    "oven.heat": "--heat -t",
    "oven.time": "--time DURATION",
    "shape": "--shape",
    "seeds": "--with-seeds",
    "title": "--title",
    "name": "--name",
    "extras": "--extra NAME=GRAMS",
}


def recording(kind, names):
    """Runs a verb that has these flags: what it was given, or the output where it was refused."""
    heard = []

    @flags_of(kind, names)
    def verb(given: Overrides, flour: Annotated[str, typer.Argument()] = "rye") -> None:
        """Bake."""
        heard.append((flour, given))

    app = typer.Typer()
    app.command()(verb)

    def run(*words):
        heard.clear()
        ended = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
        if isinstance(ended.exception, ConfigError):
            raise ended.exception
        return heard[0] if heard else ended.output

    return run


@pytest.fixture
def bake():
    return recording(BakeSettings, FLAGS)


def values(given):
    return {".".join(each.path): each.value for each in given}


def test_only_what_the_user_gave_is_given_under_the_name_of_its_setting(bake):
    assert bake() == ("rye", [])
    words = ["--with-seeds", "--title", "x", "--time", "20m", "--extra", "salt=9", "--extra", "rye=40"]
    flour, given = bake("oat", "-t", "60", "--shape", "roll", *words)
    assert flour == "oat"
    assert values(given) == {
        "oven.heat": 60,
        "shape": "roll",
        "seeds": True,
        "title": "x",
        "oven.time": "20m",
        "extras.salt": 9,
        "extras.rye": 40,
    }
    assert type(values(bake("--shape", "loaf")[1])["shape"]) is str


def test_flags_win_over_texts_wherever_they_are(bake):
    _, given = bake("--time", "20m", "--set", "oven.time=5m", "--set", "oven.heat=70")
    baked = BakeSettings().replace(given)
    assert (baked.oven.time, baked.oven.heat) == (1200, 70)


@pytest.mark.parametrize("words", [("--heat", "warm"), ("--shape", "brick"), ("--given", "x")])
def test_a_value_of_another_type_is_refused(bake, words):
    assert words[0] in bake(*words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--heat", "49"], "--heat 49: oven.heat is 49; it must be a whole number, at least 50"),
        (["--time", "soon"], "--time soon: oven.time is 'soon'; it must be a duration"),
        (["--set", "oven.time=soon"], "--set oven.time=soon: oven.time is 'soon'; it must be a duration"),
        (["--extra", "salt"], "--extra salt: a setting has the form NAME=GRAMS; grams, such as salt=9"),
        (["--extra", "salt.sea=1"], "--extra salt.sea=1: a setting has the form NAME=GRAMS"),
        (["--extra", "salt=[1"], r"--extra salt=\[1: the value is not valid YAML"),
        (["--extra", "salt=much"], "--extra salt=much: extras.salt is 'much'"),
    ],
)
def test_a_message_names_the_flag_that_was_given(bake, words, text):
    with pytest.raises(ConfigError, match=f"^{text}"):
        BakeSettings().replace(bake(*words)[1])


def test_help_has_descriptions_and_the_defaults_of_the_settings(bake):
    text = " ".join(bake("--help").split())
    for part in (
        *("Degrees; default: 200.", "Of the dough; default: loaf.", "On top.", "On the box.", "--heat -t"),
        *("DURATION In the oven; default: 40m.", "NAME=GRAMS Grams, such as salt=9; may be repeated."),
    ):
        assert part in text


BUDGET = {"budget": {"device_time": "10m"}}
SMALL = {"space": {"channels": 4, "cells": 2}, "train": {"epochs": 3, "threads": 2}, "data": {"name": "digits"}}
NEEDED = {"search": BUDGET, "compare": BUDGET, "retrain": SMALL, "score": {"proxies": ["params", "swap_reg"]}}
NEEDED["bank"] = BUDGET
"""Settings without which a workflow's are refused, or its options."""
SET = {
    "seed": ("7", {"seed": 7}),
    "name": ("mine", {"name": "mine"}),
    "out": ("there/", {"out": "there/"}),
    "data": ("svhn", {"data.name": "svhn", "data.root": "data"}),
    "data.root": ("sets", {"data.root": "sets"}),
    "predictor.name": ("my_file:Mine", {"predictor.name": "my_file:Mine"}),
    "executor": ("head:6379", {"executor.name": "ray", "executor.address": "head:6379"}),
    "track": ("mlflow=uri", {"track.mlflow": "uri"}),
    "space.name": ("s1", {"space.name": "s1", "space.cells": 8, "space.stem": "plain"}),
    "budget": ("9", {"budget.epochs": 9, "budget.device_time": None}),
    "budget.epochs": ("9", {"budget.epochs": 9}),
    "budget.time": ("90s", {"budget.time": "1m30s"}),
    "budget.device_time": ("2gpuh", {"budget.device_time": "2h"}),
    "method.options": ("patience=0", {"method.options": {"patience": 0}}),
    "train.device": ("cuda:1", {"train.device": "cuda:1"}),
    "train.threads": ("5", {"train.threads": 5}),
    "train.epochs": ("9", {"train.epochs": 9}),
    "table": ("t.npz", {"table": "t.npz"}),
    "methods": ("darts, random", {"methods": ["darts", "random"]}),
    "seeds": ("5", {"seeds": 5}),
    "seeded": ("9", {"seeded": 9}),
    "final_epochs": ("4", {"final_epochs": 4}),
    "proxies": ("swap_reg,zen", {"proxies": ["swap_reg", "zen"]}),
    "options": ("swap_reg.mu=9", {"options.swap_reg": {"mu": 9}}),
    "count": ("3", {"count": 3}),
    "all": (None, {"all": True}),
    "draw": ("codes", {"draw": "codes"}),
    "batch": ("8", {"batch": 8}),
    "device": ("cuda", {"device": "cuda"}),
    "csv": ("s.csv", {"csv": "s.csv"}),
    "audit": ("runs/a", {"audit": "runs/a"}),
}
"""A value of each flag, and the settings that differ then."""


@pytest.fixture(params=[name for name in HOMES if name != "finals"])  # which the verb of retrainings begins
def workflow(request):
    """A workflow's name, settings class and flags."""
    return request.param, run_class(request.param).SETTINGS, import_module(f"ranknosh.cli.{request.param}").FLAGS


def test_a_flag_of_a_workflow_sets_what_it_names_and_nothing_else(workflow):
    name, kind, flags = workflow
    run, before = recording(kind, flags), kind.from_dict(NEEDED.get(name, {}))
    assert run()[1] == []
    for setting_name, words in flags.items():
        text, changes = SET[setting_name]
        later = before.replace(run(words.split()[0], *([] if text is None else [text]))[1])
        assert before.changes(later) == changes


def test_the_default_of_a_workflow_s_flag_is_that_of_its_settings(workflow):
    name, kind, flags = workflow
    verbs = typer.main.get_command(ranknosh).commands
    verb = verbs["bench"].commands["build"] if name == "bank" else verbs[name]
    options = {each.opts[0]: each for each in verb.params}
    for setting_name, words in flags.items():
        option = options[words.split()[0]]
        assert option.default is None
        section, _, leaf = {"data": "data.name"}.get(setting_name, setting_name).partition(".")
        default = kind.model_fields[section].get_default(call_default_factory=True)
        default = getattr(default, leaf, None) if leaf else default
        default = ",".join(default) if isinstance(default, tuple) else default
        assert kind.model_fields[section].description
        if type(default) in (int, str) and len(str(default)) < 80:
            assert option.help.endswith(f"; default: {default}.")
        else:
            assert "; default: " not in option.help
