"""The lines of the journal of finals, their fold, and how what has ended is ordered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Literal

from ranknosh.config.units import Quantity
from ranknosh.core.records import Folded, Session


@dataclass(frozen=True, slots=True)
class FinalTrained:
    """A training that ended.

    ``number``: of the architecture, from 1, as the settings list them. ``metrics`` of validation after the last epoch;
    ``seconds``: device time of all epochs. ``failed``: why there is no result, None where there is one.
    """

    number: int
    seed: int
    epochs: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """What validation picked, and the one reading of its test split.

    ``number`` and ``seed`` of the training, None where none ended with a result. ``seconds`` of the reading. ``ended``: whether
    all were trained, or time was over.
    """

    number: int | None
    seed: int | None
    test: Mapping[str, float]
    seconds: float
    ended: Literal["trained", "time"]


RECORDS: tuple[type, ...] = (Session, FinalTrained, Picked)


@dataclass
class FinalsState(Folded):
    """What the records say. ``trained``: by architecture and seed; ``picked``: None while there is work;
    ``readings``: of the test split."""

    trained: dict[tuple[int, int], FinalTrained] = field(default_factory=dict)
    picked: Picked | None = None
    readings: int = 0

    def apply(self, record: Session | FinalTrained | Picked) -> None:
        """Take a record in; a session begins only where work is left. Raises ValueError
        for a training that ended before, and for a pick of none that ended."""
        if isinstance(record, Session):
            self.picked = None
        elif isinstance(record, Picked):
            if record.number is not None and (record.number, record.seed) not in self.trained:
                raise ValueError(
                    f"architecture {record.number} was picked with seed {record.seed} and not trained with it"
                )
            self.picked = record
            self.readings += record.number is not None
        elif (key := (record.number, record.seed)) in self.trained:
            raise ValueError(f"architecture {record.number} was trained twice with seed {record.seed}")
        else:
            self.trained[key] = record


@dataclass(frozen=True)
class Standing:
    """One architecture among the finals.

    Args:
        number: of the architecture, from 1.
        trained: its trainings that ended with a result, in order of seeds.
        judged: those of them that it is ordered by.
        failed: how many of its trainings came to nothing.
        ranked: the metric that orders.
    """

    number: int
    trained: Sequence[FinalTrained]
    judged: Sequence[FinalTrained]
    failed: int
    ranked: Quantity

    @property
    def metrics(self) -> dict[str, float]:
        """The mean of each metric over the trainings that it is judged by."""
        known = [one.metrics for one in self.judged]
        return {
            name: fmean(each[name] for each in known) for name in (known[0] if known else ()) if _in_all(name, known)
        }

    @property
    def error(self) -> float | None:
        """The standard error of the mean of what is ranked by; None for fewer than two trainings."""
        return standard_error([one.metrics[self.ranked.name] for one in self.judged])

    @property
    def best(self) -> FinalTrained:
        """The training that did best on validation; of equal ones the first."""
        return min(self.trained, key=lambda one: self._order(one.metrics[self.ranked.name]))

    @property
    def place(self) -> tuple[bool, int, float, int]:
        """Smaller for a better one: fewer failures, then the better mean, then the place in the search."""
        mean = self.metrics.get(self.ranked.name)
        return mean is None, self.failed, 0.0 if mean is None else self._order(mean), self.number

    def _order(self, value: float) -> float:
        return -value if self.ranked.higher else value


def standard_error(values: Sequence[float]) -> float | None:
    """Of their mean; None for fewer than two."""
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def _in_all(name: str, known: Sequence[Mapping[str, float]]) -> bool:
    return all(name in each for each in known)


def standings(trained: Mapping[tuple[int, int], FinalTrained], count: int, ranked: Quantity) -> list[Standing]:
    """Every architecture, the best first.

    They are judged by the seeds that all of them have ended with, so that none is ahead for the luck of a seed the others did
    not have; by all seeds where there is no such.

    Args:
        trained: what has ended, by architecture (from 1) and seed.
        count: how many architectures there are.
        ranked: the metric of validation that orders.
    """
    everyone = range(1, count + 1)
    seeds = sorted({seed for _, seed in trained})
    shared = [seed for seed in seeds if all((number, seed) in trained for number in everyone)] or seeds
    found = []
    for number in everyone:
        own = [trained[number, seed] for seed in seeds if (number, seed) in trained]
        good = [one for one in own if one.failed is None and ranked.name in one.metrics]
        judged = [one for one in good if one.seed in shared]
        found.append(Standing(number, good, judged, len(own) - len(good), ranked))
    return sorted(found, key=lambda one: one.place)
