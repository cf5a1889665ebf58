"""A run of any workflow: what is the same for all of them, and what each has to define."""

import copy
import html
import os
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from ranknosh.config.settings import Overrides, Settings, with_changes
from ranknosh.config.units import Quantity
from ranknosh.core.records import Contradiction, Session
from ranknosh.errors import MissingDependency, OwnCodeError, StoreError, printable, to_type
from ranknosh.registry import look_in, own_modules_of
from ranknosh.runs.events import Ended, Events, Message, Opened, silent
from ranknosh.runs.files import write_atomic
from ranknosh.runs.folder import Waste, discard, is_locked, new_folder
from ranknosh.runs.journal import FILE, FORMAT, DamagedLine, Header, History, Journal, damaged, read_history
from ranknosh.runs.prepared import Prepared, check_same
from ranknosh.runs.provenance import git_revision, now, versions, working_folder
from ranknosh.runs.session import MODULES, RunSession, StopRequest

State = TypeVar("State")
Own = TypeVar("Own", bound="Run[Any]")
REPORT, CONFIG = "report.html", "config.yaml"


class Run(ABC, Generic[State]):
    """A run folder as read from its journal; :meth:`resume` gives a new one.

    ``settings`` are those in force, ``state`` is the fold of the records. A workflow is a subclass: it names its settings and
    records, and defines the abstract methods. Open one with :func:`ranknosh.open_run`.
    """

    WORKFLOW: ClassVar[str]
    """The name in journals, in messages and of the verb that begins a run."""
    SETTINGS: ClassVar[type[Settings]]
    RECORDS: ClassVar[tuple[type, ...]]
    """Classes of the journal's lines after the header."""
    STATE: ClassVar[type[Any]]
    """A :class:`ranknosh.core.records.Folded` class."""
    FACTS: ClassVar[tuple[str, ...]] = ()
    """What the header's facts always hold."""

    def __init__(self, folder: Path, history: History) -> None:
        self.folder = Path(folder)
        self.history = history
        self.sessions = tuple(record for record in history.records if isinstance(record, Session))
        noted = [history.header.modules, *(session.details.get(MODULES, {}) for session in self.sessions)]
        look_in(*dict.fromkeys(folder for modules in noted for folder in modules.values()))
        settings = self.SETTINGS.from_dict(settings_of(history), origin=str(self.folder / FILE))
        self.settings = settings.seen_from(self.header.began_in) if self._elsewhere else settings
        try:
            self.state: State = self.fold(history)
        except DamagedLine as damage:
            raise damaged(self.folder / FILE, damage) from damage
        facts = history.header.facts
        lacking = [name for name in self.FACTS if name not in facts]
        if "ranked" in facts and facts["ranked"] not in facts.get("metrics", ()):
            lacking.append(f"what {facts['ranked']} is")
        if lacking:
            raise damaged(self.folder / FILE, DamagedLine(1, f"it does not say {', '.join(lacking)}"))

    @classmethod
    def fold(cls, history: History) -> State:
        """What the records say together. Raises DamagedLine for the first that contradicts those before it."""
        try:
            state: State = cls.STATE.of(history.records)
            return state
        except Contradiction as found:
            raise DamagedLine(found.place + 2, str(found)) from found

    @classmethod
    def read(cls: type[Own], folder: Path | str) -> Own:
        """The run in ``folder``, which stays as it is. Raises StoreError where it holds another workflow's, or none."""
        return cls(Path(folder), read_history(folder, cls.kinds))

    @classmethod
    def kinds(cls, header: Header) -> Sequence[type]:
        """The record classes of a journal with ``header``. Raises StoreError where it is another workflow's."""
        if header.workflow != cls.WORKFLOW:
            raise StoreError(
                f"the run is of the workflow {header.workflow}, not {cls.WORKFLOW}; open it with ranknosh.open_run, or look at "
                "it with `ranknosh status`"
            )
        return cls.RECORDS

    @classmethod
    def step(cls, settings: Any) -> str:
        """What is finished before a stop that was asked for, in words; ``settings`` are those of the run."""
        return "the running epoch"

    @property
    def name(self) -> str:
        """What the run is called: as its folder is."""
        return self.folder.resolve().name

    @property
    def header(self) -> Header:
        return self.history.header

    @property
    def quantities(self) -> dict[str, Quantity]:
        """What the run's task measures, the metric that people read first at the front."""
        return Quantity.several(self.header.facts.get("metrics", {}))

    @property
    def table_data(self) -> str:
        """The data set of the table of finished trainings that was given last, whose values are shown."""
        tables = [session.details["table"] for session in self.sessions if "table" in session.details]
        return str(tables[-1]["data"]) if tables else ""

    @property
    def seconds(self) -> float:
        """Seconds the run has worked, all sessions added up; getting ready is not counted."""
        return self.history.seconds

    @classmethod
    @abstractmethod
    def prepare(cls, settings: Any, events: Events, **given: Any) -> Prepared:
        """Load and check everything that the settings name.

        Args:
            settings: an instance of :attr:`SETTINGS`.
            events: hears what takes long.
            given: Python objects that take the place of what the settings name (such as ``data``), None where they do not;
                ``resumed`` is true where the run had begun before.

        Raises:
            RankNoshError: whatever cannot work; nothing has been written.
        """

    @abstractmethod
    def work(self, session: RunSession, prepared: Prepared) -> None:
        """Do what is left, to the end. Raises KeyboardInterrupt when stopped from outside, with everything saved."""

    @property
    @abstractmethod
    def reason(self) -> str | None:
        """Why the run ended, in a few words; None where it has not."""

    @property
    @abstractmethod
    def exit_code(self) -> int:
        """0 where it ended as planned with a result, else 5: a limit stopped it, or nothing was found."""

    @abstractmethod
    def status(self) -> dict[str, Any]:
        """Where the run is, as plain JSON data; :meth:`describe` adds what all workflows have."""

    @abstractmethod
    def top(self, count: int) -> list[dict[str, Any]]:
        """The best results so far, the best first, as plain rows."""

    @abstractmethod
    def page(self) -> str:
        """The report as one HTML page. Raises MissingDependency without what pages need."""

    def waste(self, everything: bool) -> list[Waste]:
        """What ``ranknosh clean`` may remove.

        Args:
            everything: what a resume would need too, where the workflow can make it again.
        """
        found = [(path, "a copy of a damaged journal") for path in sorted(self.folder.glob(f"{FILE}.damaged-*"))]
        found += [(path, "left by a write that was cut off") for path in sorted(self.folder.glob(".*.tmp"))]
        waste = []
        for path, why in found:
            with suppress(FileNotFoundError):  # a write of a session that works now has ended
                waste.append(Waste(str(path), path.stat().st_size, why, path.unlink))
        return waste

    @property
    def ended(self) -> bool:
        return self.reason is not None

    def describe(self) -> dict[str, Any]:
        """Where the run is, as plain JSON data: what all workflows have, then :meth:`status`."""
        ended = ("stopped" if self.exit_code else "finished") if self.ended else "interrupted"
        return {
            "folder": str(self.folder),
            "workflow": self.WORKFLOW,
            "state": "running" if is_locked(self.folder) else ended,
            "reason": self.reason,
            "created": self.header.created,
            "seconds": self.seconds,
            "sessions": len(self.sessions),
            **self.status(),
        }

    def report(self) -> Path:
        """Write report.html anew and return its path. Raises MissingDependency without matplotlib or jinja2."""
        path = self.folder / REPORT
        write_atomic(path, self.page().encode())
        return path

    def report_if_possible(self, events: Events) -> None:
        """:meth:`report`, or a message on what it needs."""
        try:
            self.report()
        except MissingDependency as error:
            events(Message(f"no {REPORT}: {error}"))

    def resume(
        self: Own,
        overrides: Overrides = (),
        *,
        events: Events = silent,
        stop: StopRequest | None = None,
        command: str = "Run.resume",
        **given: Any,
    ) -> Own:
        """Work on where the run was left; one that has ended, and whose settings stay, is left as it is.

        Args:
            overrides: ``key=value`` settings; the settings class says which may change, and how (limits may be raised, places
                may be others).
            events: takes everything that is reported.
            stop: asked wherever the run can be left.
            command: for the journal.
            given: Python objects that the settings cannot name, as when the run began (``data`` above all).

        Returns:
            The run as it is afterwards.

        Raises:
            ConfigError: for a change that is not allowed, and where another process works on the run.
            DataError: where the data are others than those the run began with.
            KeyboardInterrupt: when stopped from outside, with everything saved.
        """
        kind, stop = type(self), stop or StopRequest()
        with Journal.open(self.folder, kind.kinds) as journal:
            run = kind(self.folder, journal.history)
            settings = run._edited().replace(list(overrides))
            before = run.settings
            if run._elsewhere:
                before, settings = (each.seen_from(working_folder()) for each in (before, settings))
            before.check_resume(settings)
            changes = run.settings.changes(settings)
            if run.ended and not changes:
                events(Message(f"{self.folder} has ended already ({run.reason}); nothing to do"))
                return run
            with stop.on_signals(events, kind.step(settings)):
                prepared = kind.prepare(settings, events, resumed=True, **given)
                check_same(run.header, prepared, changes)
                write_atomic(self.folder / CONFIG, settings.to_yaml().encode())
                events(Opened(self.folder, self.WORKFLOW, resumed=True, seconds=run.seconds))
                run.settings = settings
                with _begun(self.folder):
                    run.work(RunSession(journal, run.state, events, stop, command, changes), prepared)
        return _reopened(kind, self.folder, events)

    def moved(self: Own, overrides: Overrides) -> Own:
        """The same run with other settings of where things lie, such as ``data.folder=PATH``; nothing is written.

        Args:
            overrides: ``key=value`` settings.

        Raises:
            ConfigError: for a change that a resumed run may not make either.
        """
        settings = self.settings.replace(list(overrides))
        self.settings.check_resume(settings)
        other = copy.copy(self)
        other.settings = settings
        return other

    def _edited(self) -> Settings:
        """The settings as config.yaml in the folder has them now, so that an edit there is seen."""
        path = self.folder / CONFIG
        settings = self.SETTINGS.load(path) if path.exists() else self.settings
        return settings.seen_from(self.header.began_in) if self._elsewhere else settings

    @property
    def _elsewhere(self) -> bool:
        """Whether relative paths are meant from another working directory, in which the run began."""
        return self.header.began_in not in ("", working_folder())

    def _facts(self) -> list[tuple[str, str]]:
        """A few facts for people, shown where a run is printed."""
        found = self.describe()
        return [
            (name, str(found[name])) for name in ("folder", "workflow", "state", "reason") if found[name] is not None
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._facts())})"

    def _repr_html_(self) -> str:
        row = "<tr><th scope='row'>{}</th><td>{}</td></tr>".format
        return f"<table>{''.join(row(name, html.escape(printable(value))) for name, value in self._facts())}</table>"


def begin(
    kind: type[Own],
    settings: Settings,
    *,
    command: str,
    events: Events = silent,
    stop: StopRequest | None = None,
    folder: Path | None = None,
    **given: Any,
) -> Own:
    """Begin a run in a new folder and work to its end.

    Args:
        kind: the workflow.
        settings: of the workflow; ``out`` and ``name`` say where.
        command: for the journal.
        events: takes everything that is reported.
        stop: asked wherever the run can be left.
        folder: instead of ``out`` and ``name``, for a run inside another.
        given: Python objects that the settings cannot name (``data`` above all).

    Returns:
        The run as it is afterwards.

    Raises:
        ConfigError: where the folder holds a run, or a setting breaks a rule; nothing is written then.
        RankNoshError: what the workflow raises.
        KeyboardInterrupt: when stopped from outside, with everything saved.
    """
    stop = stop or StopRequest()
    prepared = kind.prepare(settings, events, **given)
    for note in prepared.data.get("notes", ()):
        events(Message(f"{prepared.data['name']}: {note}"))
    out, name = (Path(settings.out), settings.name) if folder is None else (folder.parent, folder.name)
    git = git_revision()  # takes a moment, in which no folder should wait for its first line
    made = name is None or not os.path.exists(out / name)
    place = new_folder(out, prepared.stem, name)
    header = Header(
        format=FORMAT,
        workflow=kind.WORKFLOW,
        id=f"{place.name}-{uuid.uuid4().hex[:12]}",
        created=now(),
        command=command,
        settings=settings.to_dict(),
        modules=own_modules_of(settings.to_dict()),
        data=prepared.data,
        facts=prepared.facts,
        versions=versions(),
        git=git,
        began_in=working_folder(),
    )
    untold = [Opened(place, kind.WORKFLOW, resumed=False)]
    try:
        with stop.on_signals(events, kind.step(settings)), Journal.create(place, header) as journal:
            events(untold.pop())
            write_atomic(place / CONFIG, settings.to_yaml().encode())
            run = kind(place, journal.history)
            with _begun(place):
                run.work(RunSession(journal, run.state, events, stop, command, {}), prepared)
    except (StoreError, KeyboardInterrupt):
        if not (place / FILE).exists():
            if made:
                discard(place)
        elif untold:  # a second Ctrl-C may have come between the journal's first line and the first event
            events(untold.pop())
        raise
    return _reopened(kind, place, events)


@contextmanager
def _begun(folder: Path) -> Iterator[None]:
    """What stops a run that has begun, and is for the user to correct, says how it goes on."""
    try:
        yield
    except OwnCodeError as error:
        said = error.__cause__ if isinstance(error.__cause__, OwnCodeError) else error  # by a run inside this one
        raise OwnCodeError(f"{said} and resume the run; nothing is lost: {to_type('resume', folder)}") from said


def _reopened(kind: type[Own], folder: Path, events: Events) -> Own:
    """The run after a session, with its report written and its end reported."""
    run = kind.read(folder)
    run.report_if_possible(events)
    events(Ended(folder, run.reason or "", run.exit_code))
    return run


def settings_of(history: History) -> dict[str, Any]:
    """The settings in force as plain data: the header's, with what later sessions changed."""
    data = dict(history.header.settings)
    for record in history.records:
        if isinstance(record, Session):
            data = with_changes(data, record.changes)
    return data
