"""What a search under Ray Tune keeps on disk: its settings, its records and which trial trains which candidate.

The file has the form of a run's journal: a header, one line of what Tune has to know, the records of the search in order. The
state of the search is the fold of the records; nothing else is needed to resume it. Tune copies the file about without care, so
that a reader may meet a part of it: the second line counts the records, and a shorter file is refused.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, get_type_hints

from pydantic import NonNegativeInt, PositiveInt, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from ranknosh.config.messages import rule_of
from ranknosh.core.budget import Limits
from ranknosh.core.candidates import Candidate
from ranknosh.core.pool import Pool
from ranknosh.core.pyramid import Pyramid, Rules
from ranknosh.core.records import RECORDS, Record, Token
from ranknosh.core.search import Search
from ranknosh.errors import ConfigError, StoreError
from ranknosh.predictors.making import make_predictor
from ranknosh.predictors.proposer import Acquisition, PredictorProposer
from ranknosh.runs.files import write_atomic
from ranknosh.runs.journal import FORMAT, DamagedLine, Header, dump, parse
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.flat import FlatSpace
from ranknosh.spaces.parameters import Parameter
from ranknosh.tune.rungs import Mode, sign_of

WORKFLOW = "tune"
FILE_TEMPLATE = "ranknosh-search-{}.json"
STATE_FILES = FILE_TEMPLATE.format("*")


@dataclass(frozen=True, kw_only=True)
class TuneSettings(Rules):
    """What a search is made of, apart from its space; every decision is a function of these and of the results.

    Args:
        metric: the entry of a result to rank by.
        mode: whether a larger metric ("max") or a smaller one is better.
        levels: epochs at which the pyramid's levels end.
        candidates: how many are proposed; this or ``budget`` is needed.
        budget: training epochs in all.
        time_attr: the entry of a result that counts finished epochs.
        points: texts of the first candidates.

    For the others see :class:`~ranknosh.core.pyramid.Rules`, ``Pyramid.make`` and ``PredictorProposer``.

    Raises:
        ConfigError: a value is out of range, or of another kind, with which a saved search could not be read again.
    """

    metric: str
    mode: Mode
    candidates: PositiveInt | None = None
    levels: tuple[int, ...] = (1, 3, 9)
    schedule: Literal["reproducible", "eager"] = "reproducible"
    ratio: str | float | tuple[float, ...] = "auto"
    initial: int = 12
    batch: int = 6
    budget: int | None = None
    seed: NonNegativeInt = 0
    predictor: str = "auto"
    exploration: float = 0.1
    acquisition: Acquisition = "thompson"
    time_attr: str = "training_iteration"
    points: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sign_of(self.mode)
        for name, kind in _kinds().items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, kind.validate_python(value))
            except ValidationError as error:
                raised = error.errors()[0].get("ctx", {}).get("error")
                rule = raised if isinstance(raised, ValueError) else f"must be {rule_of(kind.json_schema(), value)}"
                raise ConfigError(f"{name} is {value!r}; it {rule}") from None
        if self.candidates is None and self.budget is None:
            raise ConfigError("the search has no end: give candidates, budget (training epochs in all) or both")
        super().__post_init__()

    def search(self, space: FlatSpace, pool: Pool) -> Search:
        """The engine over ``pool``. ``points`` are the first candidates, before random ones."""
        pyramid = Pyramid.make(self.levels, self.ratio, self.initial, self.batch)
        proposer = PredictorProposer(
            space,
            make_predictor(self.predictor),
            pyramid,
            seeds=[(space.parse(text), "user", None) for text in self.points],
            exploration=self.exploration,
            acquisition=self.acquisition,
            seed=self.seed,
        )
        return Search(pyramid, Limits(epochs=self.budget), proposer, self, seed=self.seed, pool=pool)


@cache
def _kinds() -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(kind) for name, kind in get_type_hints(TuneSettings, include_extras=True).items()}


@dataclass
class SearchState:
    """A search as it is on disk. ``trials`` maps Tune's trial ids to (candidate, replica)."""

    settings: TuneSettings
    space: FlatSpace
    records: list[Record] = field(default_factory=list)
    trials: dict[str, Token] = field(default_factory=dict)

    @cached_property
    def pool(self) -> Pool:
        """Everything known of the candidates; metrics are such that higher is better."""
        return Pool(self.records)

    @property
    def best(self) -> Candidate | None:
        """The best candidate of the highest level reached; None before the first result."""
        return self.pool.best()

    def config(self, architecture: Architecture) -> dict[str, Any]:
        """The configuration of a candidate; fixed entries are not kept in the file and are left out."""
        return self.space.decode(architecture)

    def metric(self, candidate: Candidate) -> float | None:
        """The metric of a candidate as the trainable reported it."""
        return None if candidate.metric is None else candidate.metric * sign_of(self.settings.mode)

    def check_same(self, wanted: "SearchState", where: str, free: Collection[str] = ()) -> None:
        """See that this saved search is the one that is wanted.

        Args:
            wanted: a search as it would begin now.
            where: this one was read from, for messages.
            free: names of settings that may differ.

        Raises:
            StoreError: where it is another one.
        """
        if wanted.space.name != self.space.name:
            raise StoreError(
                f"{where} is a search over {', '.join(self.space.parameters)} ({self.space.name}), not over this space "
                f"({wanted.space.name}); give the space the search began with"
            )
        mine, given = (from_json(to_json(each)) for each in (self.settings, wanted.settings))
        others = [name for name in mine if name not in free and mine[name] != given[name]]
        if others:
            listed = "; ".join(f"{name} {mine[name]!r}, not {given[name]!r}" for name in others)
            raise StoreError(
                f"{where} is a search with other settings ({listed}); give those, or start it under another name"
            )


@dataclass(frozen=True)
class Saved:
    """What a state has besides the records of the search; ``records`` counts them. ``space``: its name without the digest."""

    settings: TuneSettings
    space: str
    parameters: dict[str, Parameter]
    trials: dict[str, Token]
    records: int


def write_state(path: Path, state: SearchState) -> None:
    """Write the whole state or nothing. Raises StoreFull or StoreError."""
    header = Header(FORMAT, WORKFLOW, "", "", "", {}, {}, {}, {})
    saved = Saved(state.settings, state.space.label, state.space.parameters, state.trials, len(state.records))
    write_atomic(path, dump(header, [saved, *state.records]))


def read_state(path: Path) -> SearchState:
    """The search in a file. Raises StoreError for a file that is torn, of another program, or of another version."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; check the path and its permissions") from error
    return parse_state(data, str(path))


def parse_state(data: bytes, path: str) -> SearchState:
    """:func:`read_state` of bytes at hand; ``path`` is for messages."""

    def kinds(header: Header) -> tuple[type, ...]:
        if header.workflow != WORKFLOW:
            raise StoreError(f"{path} is no state of a search under Ray Tune; give the file that the search wrote")
        return (Saved, *RECORDS)

    try:
        saved, *records = parse(data, kinds).records or [None]
        space = FlatSpace(saved.parameters, label=saved.space) if isinstance(saved, Saved) else None
    except DamagedLine as damage:
        raise _torn(path, f"line {damage.number}: {damage.why}") from None
    except ConfigError as error:
        raise StoreError(f"{path} does not have the fields of a search's state: {error}") from error
    if space is None or saved.records != len(records):
        raise _torn(path, "its end is missing")
    return SearchState(saved.settings, space, records, saved.trials)


def read_search(folder: Path | str) -> SearchState:
    """The newest state in a local experiment folder of Tune, such as ``results.experiment_path``.

    Raises StoreError where there is none or it is torn.
    """
    found = sorted(Path(folder).glob(STATE_FILES))
    if not found:
        raise StoreError(f"{folder} holds no search: it has no {STATE_FILES}. Give the experiment folder of a search")
    return read_state(found[-1])


def _torn(path: str, why: str) -> StoreError:
    return StoreError(
        f"{path} is torn: {why}. It was probably being copied when the driver died; move it away to resume from an earlier one "
        "in the same folder, or start a new search under another name"
    )
