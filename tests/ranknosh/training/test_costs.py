"""Costs of architectures from every source, and which of them may be trained."""

import csv
import math

import numpy as np
import pytest
from torch import nn

from ranknosh.config.sections import CostConfig
from ranknosh.core.records import Costed
from ranknosh.errors import ConfigError, DataError, SpaceError
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.signature import Signature
from ranknosh.training.cost_sources import Networks
from ranknosh.training.costs import cost_book

SPACE = FlatSpace({"units": [4, 8, 16], "layers": [1, 2]})


def build(architecture):
    """``layers`` square layers of ``units`` without biases; 16 units do not fit."""
    choices = SPACE.decode(architecture)
    if choices["units"] == 16:
        raise SpaceError("16 units do not fit")
    layers = [nn.Linear(4, choices["units"], bias=False)]
    layers += [nn.Linear(choices["units"], choices["units"], bias=False) for _ in range(choices["layers"] - 1)]
    return nn.Sequential(*layers)


FOUR = Signature((4,), (1,))
NETWORKS = Networks(build, FOUR)


def at(units, layers):
    return SPACE.locate({"units": units, "layers": layers})


def books(limits, sections=None, networks=NETWORKS, wanted=()):
    return cost_book(SPACE, networks, limits, {k: CostConfig(**v) for k, v in (sections or {}).items()}, wanted)


def energy(choices):
    return choices["units"] * choices["layers"]


def eight_or_none(choices):
    return 8.0 if choices["seed"] else 0.0


def free(choices):
    return 0.0


def broken(choices):
    raise RuntimeError(f"no {choices['units']}")


def nowhere(choices):
    return math.nan


def test_nothing_is_asked_of_costs_where_nobody_asks():
    assert books({}) is None


def test_weights_and_multiply_accumulates_are_counted_once(monkeypatch):
    built = []
    networks = Networks(lambda one: built.append(one) or build(one), FOUR)
    book = books({"params": "<= 50"}, wanted=["macs"], networks=networks)
    assert book.of(at(8, 2)) == {"params": 32 + 64, "macs": 32 + 64}
    assert book.of(at(8, 2)) == {"params": 96, "macs": 96}
    assert built == [at(8, 2)]
    assert [book.feasible(at(*one)) for one in ((4, 1), (4, 2), (8, 1), (8, 2))] == [True, True, True, False]
    assert book.take() == ()


def test_a_network_that_cannot_be_built_meets_no_limit():
    book = books({"params": ">= 1"})
    assert book.value("params", at(16, 1)) == math.inf
    assert not book.feasible(at(16, 1))


def test_a_share_of_a_named_architecture():
    reference = SPACE.format(at(8, 2))  # 96 weights
    book = books({"params": f"<= 50% of {reference}"})
    assert book.constraints.texts() == ["params <= 48"]
    assert book.feasible(at(8, 1))
    assert not book.feasible(at(8, 2))
    with pytest.raises(ConfigError, match=r"constraints\.params names an architecture that cannot be read"):
        _ = books({"params": "<= 50% of nonsense"}).constraints


def test_latency_is_measured_once_written_down_and_taken_from_the_journal(monkeypatch):
    measured = []

    def latency(make, signature, device, **given):
        measured.append((sum(p.numel() for p in make().parameters()), signature, device.type, given))
        return 0.002 * len(measured)

    monkeypatch.setattr("ranknosh.training.measures.latency", latency)
    section = {"latency": {"device": "cpu", "batch": 2, "threads": 3, "repeats": 7}}
    book = books({"latency": "<= 3 ms"}, section)
    assert [book.feasible(at(4, 1)), book.feasible(at(4, 2)), book.feasible(at(4, 1))] == [True, False, True]
    given = {"batch": 2, "threads": 3, "repeats": 7}
    assert measured == [(16, FOUR, "cpu", given), (32, FOUR, "cpu", given)]
    kept = book.take()
    assert [(one.text, one.costs) for one in kept] == [
        (SPACE.format(at(4, 1)), {"latency": 0.002}),
        (SPACE.format(at(4, 2)), {"latency": 0.004}),
    ]
    assert book.take() == ()
    later = books({"latency": "<= 3 ms"}, section)
    later.know(kept)
    assert (later.value("latency", at(4, 2)), len(measured)) == (0.004, 2)


def test_an_architecture_that_breaks_what_is_counted_is_not_measured(monkeypatch):
    monkeypatch.setattr("ranknosh.training.measures.latency", lambda *_, **__: pytest.fail("measured"))
    book = books({"latency": "<= 3 ms", "params": "<= 20"})
    assert not book.feasible(at(8, 1))


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_a_table_knows_costs_by_the_texts_of_architectures(tmp_path, kind):
    texts, values = [SPACE.format(at(4, 1)), SPACE.format(at(8, 1)), SPACE.format(at(8, 2))], [2.0, 5.0, -1.0]
    path = tmp_path / f"table.{kind}"
    if kind == "npz":
        np.savez(path, arch=np.array(texts, dtype="S"), pixel=np.array(values))
    else:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("architecture", "pixel"), *zip(texts, values, strict=True)])
    section = {"latency": {"table": str(path), "column": "pixel", "unit": "ms"}}
    book = books({"latency": "<= 4 ms"}, section, networks=None)
    assert book.of(at(4, 1)) == {"latency": pytest.approx(0.002)}
    assert [book.feasible(at(*one)) for one in ((4, 1), (8, 1), (8, 2), (4, 2))] == [True, False, False, False]
    with pytest.raises(DataError, match=r"unknown column 'pixle'; known are .*; did you mean pixel"):
        books({}, {"latency": {**section["latency"], "column": "pixle"}}, networks=None)


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(
        DataError,
        match=r"costs.latency.table .*none.csv does not exist; the nearest folder .* --set costs.latency.table=PATH",
    ):
        books({}, {"latency": {"table": str(tmp_path / "none.csv")}})
    (tmp_path / "a.csv").write_text("name,latency\nx,1\n")
    with pytest.raises(DataError, match="has no column architecture"):
        books({}, {"latency": {"table": str(tmp_path / "a.csv")}})
    (tmp_path / "b.csv").write_text("architecture,latency\nx,1\n")
    with pytest.raises(DataError, match="an architecture that cannot be read"):
        books({}, {"latency": {"table": str(tmp_path / "b.csv")}})
    (tmp_path / "c.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"is no \.npz archive"):
        books({}, {"latency": {"table": str(tmp_path / "c.npz")}})


def test_a_function_of_ones_own():
    section = {"energy": {"function": f"{__name__}:energy", "unit": "K"}}
    book = books({"energy": "<= 8K"}, section, networks=None)
    assert book.of(at(4, 2)) == {"energy": 8000.0}
    assert (book.feasible(at(4, 2)), book.feasible(at(8, 2))) == (True, False)
    assert book.take() == (
        Costed(SPACE.format(at(4, 2)), {"energy": 8000.0}, pytest.approx(0, abs=5)),
        Costed(SPACE.format(at(8, 2)), {"energy": 16000.0}, pytest.approx(0, abs=5)),
    )


@pytest.mark.parametrize(
    ("function", "said"),
    [("broken", "raised RuntimeError: no 4"), ("nowhere", "gave nan"), ("missing", "cannot be loaded")],
)
def test_a_function_that_does_not_give_a_number(function, said):
    with pytest.raises(ConfigError, match=said):
        books({}, {"energy": {"function": f"{__name__}:{function}"}}, networks=None).of(at(4, 1))


class Steps(FlatSpace):
    """Two options that any cost depends on, and many that nothing does: more architectures than an estimate is fitted to."""

    def features(self, codes):
        """(n, 1): 0 or 1 by the first choice."""
        return np.asarray(codes)[:, :1].astype(np.float32)


def test_costs_of_a_whole_space_are_estimated_from_a_few():
    space = Steps({"wide": [0, 1], "seed": list(range(12)), "again": list(range(12))})
    built = []

    def network(one):
        built.append(one)
        return nn.Linear(4, 8 if space.decode(one)["wide"] else 2, bias=False)  # 32 or 8 weights

    book = cost_book(space, Networks(network, FOUR), {}, {}, ["params"])
    everyone = list(space.enumerate())
    found = book.estimates(everyone, ["params"], {})[:, 0]
    assert len(set(built)) == len(built) == 64
    wide = [space.decode(one)["wide"] for one in built]
    # One feature x in {0, 1} and y = log(weights): ridge regression with penalty 1 goes through the means, by Sxy / (Sxx + 1).
    share = sum(wide) / 64
    sxx = 64 * share * (1 - share)
    step = math.log(32) - math.log(8)
    slope, middle = sxx * step / (sxx + 1), math.log(8) + share * step
    known = set(built)
    for one, value in zip(everyone, found, strict=True):
        x = space.decode(one)["wide"]
        exact, near = (32 if x else 8), math.exp(middle + slope * (x - share))
        assert value == pytest.approx(exact if one in known else near, rel=1e-5)
        assert near != pytest.approx(exact, rel=1e-3)
    # What is found out in passing changes nothing; what is given is fitted to, and exact.
    later = next(one for one in everyone if one not in known)
    costs = book.of(later)
    assert book.estimates(everyone, ["params"], {})[:, 0].tolist() == found.tolist()
    assert book.estimates([later], ["params"], {later: costs}).tolist() == [[costs["params"]]]
    other = next(one for one in everyone if one not in {*known, later})
    assert book.estimates([other], ["params"], {later: costs})[0, 0] != pytest.approx(
        found[everyone.index(other)], rel=1e-9
    )


def test_an_estimate_learns_nothing_from_what_cannot_be_built_or_costs_nothing():
    section = {"energy": {"function": f"{__name__}:energy"}, "free": {"function": f"{__name__}:free"}}
    book = books({}, section, wanted=["params"])
    everyone = [at(units, layers) for units in (4, 8, 16) for layers in (1, 2)]
    found = book.estimates(everyone, ["params", "energy", "free"], {})
    assert found[:, 0].tolist() == [16, 32, 32, 96, math.inf, math.inf]
    assert found[:, 1].tolist() == [4, 8, 8, 16, 16, 32]
    assert found[:, 2].tolist() == [0.0] * 6
    space = Steps({"wide": [0, 1], "seed": list(range(12)), "again": list(range(12))})

    def network(one):
        if space.decode(one)["again"] == 0:
            raise SpaceError("does not fit")
        return nn.Linear(4, 2, bias=False)

    section = {"energy": CostConfig(function=f"{__name__}:eight_or_none")}
    book = cost_book(space, Networks(network, FOUR), {}, section, ["params"])
    for found in book.estimates(list(space.enumerate()), ["params", "energy"], {}).T:
        odd = (found == 0) | np.isinf(found)
        assert 0 < odd.sum() <= 64  # those that were looked at
        assert found[~odd] == pytest.approx(8.0)


def test_costs_of_a_table_are_never_estimated(tmp_path):
    space = Steps({"wide": [0, 1], "seed": list(range(40))})
    everyone = list(space.enumerate())
    values = [float(number + 1) for number in range(79)]  # one is missing
    np.savez(
        tmp_path / "t.npz", arch=np.array([space.format(one) for one in everyone[:79]], dtype="S"), ms=np.array(values)
    )
    book = cost_book(space, None, {}, {"latency": CostConfig(table=str(tmp_path / "t.npz"), column="ms", unit="s")})
    assert book.estimates(everyone, ["latency"], {})[:, 0].tolist() == [*values, math.inf]


def test_a_space_without_networks_needs_a_table_or_a_function():
    with pytest.raises(ConfigError, match=r"builds no networks.*costs\.params\.function=MODULE:FUNCTION"):
        books({"params": "<= 1K"}, networks=None)
