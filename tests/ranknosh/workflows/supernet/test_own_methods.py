"""Methods of a user's own that are wrong: one message with their name, before anything is written where a batch shows it."""

from dataclasses import dataclass, replace

import pytest

from ranknosh import open_run
from ranknosh.errors import ConfigError
from ranknosh.workflows.supernet import search_supernet
from supernet.methods.darts import darts
from supernet.part import Part
from supernet.relaxations import Softmax
from supernet.selections import Magnitude

SMALL = {
    "space": {"name": "nasbench201", "channels": 4, "cells": 1},
    "data": {"name": "digits", "limit": 64},
    "recipe": {"batch": 16},
    "train": {"device": "cpu"},
}


class Fails(Part):
    after = 0

    def after_epoch(self, search, report):
        if report.epoch == Fails.after:
            raise KeyError("no such edge")


@dataclass(frozen=True)
class Narrow(Softmax):
    def mean(self, alphas, allowed, moment):
        return super().mean(alphas, allowed, moment)[:, :2]


class Nothing(Magnitude):
    def scores(self, search):
        return {}


def fails(epochs=5):
    return replace(darts(epochs), monitors=(Fails(),))


def narrow(epochs=5):
    return replace(darts(epochs), relaxation=Narrow())


def nothing(epochs=5):
    return replace(darts(epochs), selection=Nothing())


def raises(epochs=5):
    raise OSError("no licence")


def no_method(epochs=5):
    return None


def no_epochs(width=1):
    return darts(2)


def annotated(epochs: "Unknown" = 5):  # noqa: F821 - a name for type checkers
    return darts(epochs)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (raises, "cannot be made: OSError: no licence"),
        (no_method, "gave NoneType, no supernet method"),
        (no_epochs, "supernet method has no option epochs"),
    ],
)
def test_what_makes_no_method_is_said_before_anything_is_written(tmp_path, method, message):
    with pytest.raises(ConfigError, match=f"{method.__name__} {message}"):
        search_supernet(f"{__name__}:{method.__name__}", epochs=2, out=str(tmp_path), **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_annotations_for_a_type_checker_alone_are_no_trouble(tmp_path):
    run = search_supernet(f"{__name__}:annotated", epochs=1, out=str(tmp_path), **SMALL)
    assert run.state.result.epochs == 1


@pytest.mark.parametrize(
    ("method", "message"),
    [(fails, "KeyError: 'no such edge'"), (narrow, "IndexError"), (nothing, "KeyError: 'normal'")],
)
def test_what_a_batch_shows_is_said_before_anything_is_written(tmp_path, monkeypatch, method, message):
    monkeypatch.setattr(Fails, "after", 0)
    with pytest.raises(ConfigError, match=f"the method .*{method.__name__} raised {message}.*; correct it$"):
        search_supernet(method, epochs=2, out=str(tmp_path), **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_run_whose_method_raised_later_is_resumed_when_it_is_mended(tmp_path, monkeypatch):
    monkeypatch.setattr(Fails, "after", 1)
    with pytest.raises(
        ConfigError, match=r"raised KeyError: 'no such edge'; correct it and resume the run.*: ranknosh resume "
    ):
        search_supernet(f"{__name__}:fails", epochs=2, out=str(tmp_path), **SMALL)
    monkeypatch.setattr(Fails, "after", 9)
    (folder,) = tmp_path.iterdir()
    assert open_run(folder).resume().state.result.epochs == 2
