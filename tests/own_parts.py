"""Parts as a user writes them, whole and broken, as the text of a module and a fixture that puts it in the working directory."""

import sys
from pathlib import Path

import pytest

TEXT = '''
import numpy as np
import torch
from ranknosh.predictors.base import Predictor
from zerocost.proxy import Pass, Proxy


class Nearest(Predictor):
    """The order of the nearest member."""

    name = "nearest"

    def __init__(self, *, sign=1.0):
        self.sign = sign

    def fit(self, encodings, evidence, *, seed):
        self._model = encodings.codes, evidence.order

    def score(self, encodings):
        codes, order = self.model
        distance = (encodings.codes[:, None] != codes[None]).sum(axis=2)
        return self.sign * order[distance.argmin(axis=1)]


nearest = Nearest()


def backwards():
    return Nearest(sign=-1.0)


class Raises(Predictor):
    def __init__(self):
        raise OSError("no licence")

    def fit(self, encodings, evidence, *, seed):
        pass

    def score(self, encodings):
        return np.zeros(len(encodings))


class Short(Nearest):
    def score(self, encodings):
        return super().score(encodings)[:-1]


class NotANumber(Nearest):
    def score(self, encodings):
        return super().score(encodings) * np.nan


class BadFit(Nearest):
    def fit(self, encodings, evidence, *, seed):
        raise KeyError("weights")


class Unfinished(Predictor):
    def score(self, encodings):
        return np.zeros(len(encodings))


class Widest(Proxy):
    """The largest first dimension of a weight; larger is better."""

    name = "widest"
    needs = Pass.NONE

    def __init__(self, subject, times=1):
        super().__init__(subject)
        self.times = times

    def value(self):
        return float(self.times * max(weight.shape[0] for weight in self.subject.parameters if weight.ndim >= 2))


class Valueless(Proxy):
    name = "valueless"


class Never(Proxy):
    name = "never"

    def value(self):
        raise RuntimeError("no value today")
'''


def written(folder: Path, name: str = "own_parts_of_a_test", text: str = TEXT) -> str:
    """Write the module into ``folder``; its name."""
    (folder / f"{name}.py").write_text(text)
    return name


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of the module, which lies in the working directory, a folder of its own, and is forgotten afterwards."""
    import zerocost

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield written(tmp_path)
    sys.modules.pop("own_parts_of_a_test", None)
    for name in [name for name in zerocost.PROXIES if ":" in name]:
        del zerocost.PROXIES[name]
