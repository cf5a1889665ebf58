"""The search methods that can be compared, the runs that their searches are, and whether a budget holds one."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ranknosh.config.fields import FROM_PYTHON
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.settings import Settings
from ranknosh.config.supernet import SupernetSettings
from ranknosh.config.units import human_duration, plural
from ranknosh.errors import BudgetTooSmall, ConfigError, SpaceError, StoreError, unknown
from ranknosh.predictors.own_proposer import ARGUMENTS, checked_function, takes_results
from ranknosh.registry import Registry, made
from ranknosh.runs.journal import FILE
from ranknosh.runs.run import Run, begin
from ranknosh.spaces.base import Space
from ranknosh.spaces.stock import NETWORKS, makes_network
from ranknosh.tasks.base import Task
from ranknosh.workflows.compare.compared import ComparedMethod, StockNetwork
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.search.rivals import SHARED, Played, proposing
from ranknosh.workflows.search.run import SearchRun
from ranknosh.workflows.supernet.assembly import SupernetData, check_step, relaxed_of
from ranknosh.workflows.supernet.run import SupernetRun
from supernet.methods import FACTORIES, get_method
from supernet.search import SupernetSearch


class SearchMethod(ComparedMethod):
    """A method whose searches are runs of one kind, each in a folder of its own, which end when their budget is used.

    Everything that only the search needs is charged: proxies, predictor, failures, time lost to them. The same settings and
    seed lead to the same decisions, but for those that depend on how much of the budget is left.
    """

    kind: type[Run[Any]]

    @abstractmethod
    def settings(self, config: SearchSettings, seed: int) -> Settings:
        """The settings of a search under ``seed`` that nothing ends but ``config``'s budget of device time."""

    @abstractmethod
    def outcome(self, run: Any) -> Searched:
        """How a run of :attr:`kind` ended. Raises BudgetTooSmall where nothing was finished."""

    def search(self, config: SearchSettings, seed: int, folder: Path, *, command: str, **given: Any) -> Searched:
        """Begin the search, resume what an interruption left of it, or read one that has ended: see :class:`ComparedMethod`.

        Raises:
            StoreError: where its folder holds another run.
            KeyboardInterrupt: when stopped from outside, with everything saved.
            RankNoshError: where it cannot be continued.
        """
        if not (folder / FILE).exists():
            return self.outcome(begin(self.kind, self.settings(config, seed), command=command, folder=folder, **given))
        known = self.kind.read(folder)
        if known.header.command != command:
            raise StoreError(
                f"{folder} holds another run than this comparison began there: it was begun by {known.header.command!r} "
                f"instead of {command!r}. Bring the right folder back, or move this one away, so that the search begins anew; "
                "then resume the comparison"
            )
        return self.outcome(known.resume(command=command, **given))


class NoshSearch(SearchMethod):
    """RankNOSH itself: the comparison's search with its numbers of candidates and epochs left open.

    The pyramid's size rule holds at every moment, so candidates are proposed and promoted until the time is used; the epoch that
    runs then is finished. Proxy scoring, refits and failed trainings happen inside that time.
    """

    name, kind = "ranknosh", SearchRun

    def settings(self, config: SearchSettings, seed: int) -> SearchSettings:
        data = config.to_dict()
        data.update(seed=seed, name=None)
        data["pyramid"]["candidates"] = None
        data["budget"].update(epochs=None, device_time=None, time=data["budget"]["device_time"])
        return SearchSettings.from_dict(data, origin="ranknosh compare")

    def outcome(self, run: SearchRun) -> Searched:
        """Charged is the time from the run's first record to its end, all sessions added up, and in it every second of proxies,
        predictor and training; reading a test split (which is empty in a comparison) is left out."""
        pool, settings = run.pool, run.settings
        if run.best is None:
            spent, remedy = "", "raise --budget"
            if settings.seeding.proxies:
                spent = f"; {human_duration(pool.proxy_seconds)} went into train-free scores"
                remedy += " or lower seeding.draw"
            raise BudgetTooSmall(
                f"in {human_duration(settings.budget.time or 0.0)} no training of "
                f"{plural(settings.pyramid.epochs[0], 'epoch')}, the first "
                f"level, was finished{spent}; {remedy}"
            )
        failed = sum(failure.seconds for failure in pool.failures) + sum(lost.seconds for lost in pool.speculated)
        parts = Cost(
            proxies=pool.proxy_seconds,
            predictor=pool.predictor_seconds,
            training=max(pool.training_seconds - failed, 0.0),
            failed=failed,
        )
        return Searched(
            method=self.name,
            seed=run.settings.seed,
            architecture=run.best.architecture,
            cost=parts.within(run.seconds - pool.test_seconds - pool.stock_seconds),
            wall_seconds=run.seconds,
            epochs=pool.epochs_spent,
            epochs_of="candidates",
            evaluations=sum(candidate.level > 0 for candidate in pool.candidates.values()),
            ended=run.reason or "",
        )


class PlayedSearch(NoshSearch):
    """The engine with other settings, by which it plays another method.

    Args:
        name: of the method.
        played: its settings.
    """

    def __init__(self, name: str, played: Played) -> None:
        self.name, self.played = name, played

    def settings(self, config: SearchSettings, seed: int) -> SearchSettings:
        data = super().settings(config, seed).to_dict()
        return SearchSettings.from_dict(self.played.settings(data), origin="ranknosh compare")


class SupernetMethod(SearchMethod):
    """A method of ``supernet.methods`` with its published recipe, on a supernet of the comparison's network size.

    Its epochs are chosen so that its schedule ends with the budget. It learns from the training part alone, one half of them
    for the architecture, cut by the comparison's seed, which is the same for every search. Charged are its epochs, the
    selection, and what timing and saving took.
    """

    kind = SupernetRun

    def __init__(self, name: str) -> None:
        self.name = name

    def settings(self, config: SearchSettings, seed: int) -> SupernetSettings:
        data = config.to_dict()
        return SupernetSettings.from_dict(
            {
                "seed": seed,
                "split_seed": config.seed,
                "method": {"name": self.name},
                "space": data["space"],
                "data": {"name": FROM_PYTHON},
                "task": data["task"],
                "train": {name: data["train"][name] for name in ("device", "threads")},
                "budget": {"time": data["budget"]["device_time"]},
            },
            origin="ranknosh compare",
        )

    def outcome(self, run: SupernetRun) -> Searched:
        result, found = run.state.result, run.architecture
        assert result is not None
        return Searched(
            method=self.name,
            seed=run.settings.seed,
            architecture=found,
            cost=Cost(supernet=result.device_seconds).within(result.wall_seconds - result.lost_seconds),
            wall_seconds=result.wall_seconds,
            epochs=result.epochs,
            epochs_of="supernet",
            evaluations=0,
            ended=result.ended if found else f"{result.ended}; {result.text} is no architecture of the space",
        )


RIVALS = Registry("rivals", "method", {"ranknosh": NoshSearch, **SHARED})
"""Methods that search every space; those that train a supernet are ``supernet.methods.FACTORIES``."""


def make_methods(names: Sequence[str], space: Space) -> dict[str, ComparedMethod]:
    """The methods of ``names`` by name, each loaded and tried.

    Of the user's own are ``module:name`` of a function of (space, results, rng) that proposes an architecture, of a function of
    epochs that gives a supernet method, of a subclass of :class:`SearchMethod`, and of a stock network: a function of the
    signature, or a class of modules.

    Raises:
        ConfigError: one is no method, cannot be loaded, or does not know ``space``.
    """
    return {name: _method(name, space) for name in names}


def _method(name: str, space: Space) -> ComparedMethod:
    known = (*RIVALS.names, *FACTORIES.names, *NETWORKS.names)
    if ":" not in name and name not in known:
        raise ConfigError(unknown("method", name, known))
    if name in NETWORKS.names and name not in (*RIVALS.names, *FACTORIES.names):
        return StockNetwork(name)
    found = (FACTORIES if name in FACTORIES.names and name not in RIVALS.names else RIVALS).load(name)
    if isinstance(found, SearchMethod) or (inspect.isclass(found) and issubclass(found, SearchMethod)):
        method: SearchMethod = made(found, SearchMethod, name, RIVALS.noun, {})
        method.name = name  # by which records and folders know it
        return method
    if isinstance(found, Played):
        return PlayedSearch(name, found)
    if takes_results(found):
        checked_function(found, name, space)
        return PlayedSearch(name, proposing(name if ":" in name else f"{found.__module__}:{found.__qualname__}"))
    if makes_network(found) and (inspect.isclass(found) or not _takes_epochs(found)):
        return StockNetwork(name)
    if not callable(found) or inspect.isclass(found) or not _takes_epochs(found):
        raise ConfigError(
            f"{name} is no search method; give a function of ({', '.join(ARGUMENTS)}) that proposes an architecture, a function "
            "of epochs that gives a supernet method, a subclass of SearchMethod, or a function of a signature that gives a module"
        )
    get_method(name)
    return SupernetMethod(name)


def _takes_epochs(found: Callable[..., Any]) -> bool:
    parameters = inspect.signature(found).parameters.values()
    return any(each.name == "epochs" or each.kind is each.VAR_KEYWORD for each in parameters)


def check_supernets(methods: Mapping[str, ComparedMethod], space: Space, task: Task) -> None:
    """Raises ConfigError where a method trains a supernet, and space or task has none, or none that it can search."""
    for name, method in methods.items():
        if isinstance(method, SupernetMethod):
            try:
                check_step(task)
                SupernetSearch(get_method(name), relaxed_of(space, task.signature), SupernetData(task.data))
            except (ConfigError, SpaceError) as error:
                raise ConfigError(
                    f"the method {name} trains a supernet: {error}; take it out of methods: {', '.join(RIVALS.names)} search "
                    "every space"
                ) from error


def check_budget(settings: CompareSettings, epoch_seconds: float, proxy_seconds: float) -> None:
    """Check that the budget holds a full training, and for ``ranknosh`` proxy scoring and a first training after it.

    Args:
        settings: of the comparison.
        epoch_seconds: of a network of middle size.
        proxy_seconds: of the train-free scores of one.

    Raises:
        BudgetTooSmall: where it does not.
    """
    epochs, budget, drawn = settings.pyramid.epochs, settings.budget_seconds, settings.seeding.draw
    full, scoring = epochs[-1] * epoch_seconds, drawn * proxy_seconds
    if budget < full:
        enough = 10 * full
        several = f"{int(enough // 60) + 1}m" if enough > 60 else f"{int(enough) + 1}s"
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but one training of {plural(epochs[-1], 'epoch')}, the top level, "
            "takes about "
            f"{human_duration(full)} here; give several times that, for example --budget {several}"
        )
    if "ranknosh" in settings.methods and budget < scoring + epochs[0] * epoch_seconds:
        raise BudgetTooSmall(
            f"--budget is {human_duration(budget)}, but the train-free scores of {plural(drawn, 'architecture')} "
            "alone take about "
            f"{human_duration(scoring)} here; raise --budget or lower seeding.draw"
        )
