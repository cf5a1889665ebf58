"""Scores from Python: objects take the place of names."""

import sys

import pytest

from ranknosh.errors import ConfigError
from ranknosh.runs.events import silent
from ranknosh.tasks import Task
from ranknosh.workflows.score.api import score
from zerocost.proxy import Pass, Proxy

SMALL = {"name": "nasbench201", "channels": 4, "cells": 1}
FIRST = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|"


class Convolutions(Proxy):
    """How many weights have four dimensions. Larger is better."""

    name = "convolutions"
    needs = Pass.NONE

    def value(self) -> float:
        return float(sum(weight.ndim == 4 for weight in self.subject.parameters))


@pytest.fixture
def forgotten(monkeypatch):
    import zerocost

    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in zerocost.PROXIES if ":" in name]:
        del zerocost.PROXIES[name]


def test_a_task_and_a_class_of_proxy_score_as_their_names_do(digits: Task, tmp_path, forgotten):
    given = score(
        SMALL,
        task=digits,
        proxies=["params", Convolutions],
        architectures=[FIRST],
        count=2,
        batch=8,
        out=str(tmp_path),
        name="given",
        events=silent,
    )
    own = f"{Convolutions.__module__}:Convolutions"
    assert given.settings.proxies == ("params", own)
    assert [len(given.results.rows), given.results.rows[0].architecture] == [3, FIRST]
    named = score(
        SMALL, "digits", proxies=["params", own], architectures=[FIRST], batch=8, out=str(tmp_path), events=silent
    )
    assert len(named.results.rows) == 1
    assert dict(named.results.rows[0].values) == dict(given.results.rows[0].values)
    assert given.results.rows[0].values[own] > 1
    assert named.folder.name == "score-001"


def test_what_is_no_proxy_or_no_task_is_refused_before_anything_is_written(tmp_path):
    for wrong, said in (({"proxies": [int]}, "proxies has"), ({"task": 3}, "task is int")):
        with pytest.raises(ConfigError, match=said):
            score(SMALL, out=str(tmp_path / "runs"), events=silent, **wrong)
    assert not (tmp_path / "runs").exists()
