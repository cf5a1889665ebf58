"""The page of a search: its sections, from the journal alone."""

from dataclasses import replace

from ranknosh.config.units import human_duration, plural, whole
from ranknosh.core.pool import Candidate
from ranknosh.core.records import Failed
from ranknosh.report import plots, rank_plots
from ranknosh.report.drawing import drawings
from ranknosh.report.page import (
    Block,
    Card,
    Cards,
    Code,
    Details,
    Figure,
    Gallery,
    Page,
    PageSection,
    PageTable,
    Text,
    missing,
    origin,
)
from ranknosh.report.series import margins
from ranknosh.report.view import SearchView
from ranknosh.report.words import UNKNOWN, number, origin_name, percent, points
from ranknosh.report.workers import (
    KINDS,
    SessionUse,
    executor_label,
    failure_counts,
    schedule_label,
    sessions,
    utilisation,
    what_next,
)

LEADERBOARD_ROWS, FAILURE_ROWS, RUNNERS_UP = 20, 40, 3


def render(view: SearchView) -> str:
    """The whole page; equal journals give equal bytes. Raises MissingDependency without matplotlib or jinja2."""
    about = f"space {view.header.facts['space']}, data {_data_name(view)}, seed {view.settings.seed}"
    subtitle = f"Neural architecture search with RankNOSH: {about}"
    footer = (
        f"Rebuilt from the journal of {view.name}; every figure on this page is a function of that file. {UNKNOWN} is "
        "written where a number is not known."
    )
    return Page("RankNOSH report", view.name, subtitle, page_sections(view), footer).render()


def page_sections(view: SearchView) -> list[PageSection]:
    """Every section of the page, in reading order."""
    return [
        _found(view),
        plots.pyramid_plot(view),
        plots.incumbent_plot(view),
        plots.budget_plot(view),
        rank_plots.predictor_plot(view),
        rank_plots.agreement_plot(view),
        rank_plots.cost_plot(view),
        rank_plots.proxies_plot(view),
        rank_plots.operations_plot(view),
        rank_plots.origins_plot(view),
        *_runners_up(view),
        _leaderboard(view),
        _workers(view),
        _failures(view),
        _origin(view),
    ]


def _found(view: SearchView) -> PageSection:
    """The best cell, what it scored and what the search cost."""
    best, tested, pool = view.pool.best(), view.tested(), view.pool
    limit = "" if view.settings.budget.epochs is None else f" / {whole(view.settings.budget.epochs)}"
    top = f"{view.reached(view.pyramid.levels)} reached the top of {view.pyramid.levels} levels"
    macs = whole(best.macs if best else None)
    cards = [
        Card(percent(best.validation if best else None), "validation accuracy", strong=True),
        Card(percent(tested.test_accuracy if tested else None), f"test accuracy, {_test_note(view)}", strong=True),
        Card(f"{whole(pool.epochs_spent)}{limit}", f"training epochs spent{' / limit' if limit else ', no limit'}"),
        Card(human_duration(view.seconds), f"wall time; device time {human_duration(pool.device_seconds)}"),
        Card(whole(pool.count), f"candidates; {top}"),
        Card(whole(best.params if best else None), f"parameters; {macs} multiply-accumulates an image"),
        Card(_stop(view), f"what ended the search (state: {view.phase})", full=True),
    ]
    cell: list[Block] = [Text([UNKNOWN], "nothing")]
    if best is not None:
        cell = [*drawings(best.text, "found"), Code(best.text)]
    title = "The found cell" if pool.stopped else "The best cell so far"
    return PageSection("found", title, [Cards(cards), *cell, Text([_headline(view, best)])])


def _stop(view: SearchView) -> str:
    stopped = view.pool.stopped
    if stopped is None:
        return "still running" if view.phase == "running" else "not finished: interrupted, and can be resumed"
    return stopped.detail or stopped.reason.replace("_", " ")


def _test_note(view: SearchView) -> str:
    times = len(view.pool.tested)
    if times > 1:
        return f"the test split was read {times} times: it is no longer untouched"
    return "read once, at the end" if times else "read at the end only"


def _headline(view: SearchView, best: Candidate | None) -> str:
    if best is None:
        return "No candidate has finished a level yet; this page fills as the search continues."
    top = "the top level" if best.level == view.pyramid.levels else f"level {best.level} of {view.pyramid.levels}"
    text = f"Candidate {best.id} leads at {top}, after {plural(best.epochs, 'epoch')} of training"
    if best.replicas:
        text += f"; its validation accuracy is the mean of {1 + len(best.replicas)} trainings with different seeds"
    for _, found, mean, count in margins(view)[:1]:
        text += f". At level 1 it is {points(found - mean)} against the mean of {count} initial candidates"
    return text + "."


def _runners_up(view: SearchView) -> list[PageSection]:
    """The candidates after the best, drawn; no section where there are none."""
    best = view.pool.best()
    runners = [(place, c) for place, c in enumerate(view.leaderboard(), 1) if best is None or c.id != best.id]
    figures = []
    for place, candidate in runners[:RUNNERS_UP]:
        reached = f"validation {percent(candidate.validation)} at level {candidate.level}"
        title = f"Rank {place}, candidate {candidate.id}: {reached}"
        drawn = drawings(candidate.text, f"runner{candidate.id}") or [Figure("", candidate.text)]
        figures += [replace(figure, title=title) for figure in drawn]
    return [PageSection("runners", "Runners-up", [Gallery(figures)])] if figures else []


def _leaderboard(view: SearchView) -> PageSection:
    """The best candidates, and how far the found cell is above the initial ones."""
    best, ranked = view.pool.best(), view.leaderboard()
    if not ranked:
        return missing("leaderboard", "Leaderboard", f"{UNKNOWN}: no candidate has a result yet.")
    shown = ranked[:LEADERBOARD_ROWS]
    board = PageTable(
        ("rank", "id", "architecture", "level", "epochs", "validation", "loss", "seeds", "params", "MACs", "origin"),
        [_row(place, candidate) for place, candidate in enumerate(shown, 1)],
        f"The best {len(shown)} of {len(ranked)} candidates with a result; all of them are in trials.csv. Candidates trained "
        "again with other seeds come first, with their mean; the others by highest level, then by the ranking metric there. "
        "Validation accuracy, not test.",
        text=("origin",),
        code=("architecture",),
        marked=[place for place, candidate in enumerate(shown) if best is not None and candidate.id == best.id],
    )
    rows = [
        (f"{level} ({plural(view.pyramid.epochs[level - 1], 'epoch')})", percent(found), percent(mean), count)
        + (points(found - mean),)
        for level, found, mean, count in margins(view)
    ]
    against = PageTable(
        ("at level", "found cell", "mean of initial candidates", "how many", "difference"),
        rows,
        "Validation accuracy of one training each. All initial candidates were trained to level 1; those at higher levels were "
        "promoted for doing well, so these rows are the harder comparison.",
        title="The found cell against the initial candidates",
        text=("at level",),
    )
    return PageSection("leaderboard", "Leaderboard", [board, against] if rows else [board])


def _row(place: int, candidate: Candidate) -> tuple[object, ...]:
    loss = candidate.latest.validation_loss if candidate.latest else None
    reached = (candidate.level, candidate.epochs, percent(candidate.validation), number(loss, 3))
    size = (whole(candidate.params), whole(candidate.macs), origin_name(candidate.origin))
    return (place, candidate.id, candidate.text, *reached, 1 + len(candidate.replicas), *size)


def _workers(view: SearchView) -> PageSection:
    """Who did the work, session by session."""
    used = sessions(view)
    if not used:
        return missing("workers", "Workers", UNKNOWN)
    busy = utilisation(used)
    note = "How busy the workers were is not known: no session has ended yet or recorded it."
    if busy is not None:
        note = f"Workers were in jobs {percent(busy, 0)} of the time they were ready; their start-up is not counted."
        if view.settings.pyramid.schedule == "eager":
            note += (
                " The eager schedule decides in the order in which results arrive: another run of this configuration "
            )
            note += "may decide otherwise."
    head = ["session", "device", "cores of the driver", "jobs at once", "time in jobs", "time of slots", "busy"]
    head += ["unfinished trainings resumed", "torn bytes repaired"]
    table = PageTable(head, [_session(use) for use in used], text=("device",))
    return PageSection("workers", "Workers", [Text([note]), table])


def _session(use: SessionUse) -> tuple[object, ...]:
    session, slots, times = use.session, UNKNOWN, [UNKNOWN, UNKNOWN]
    if use.slots:
        fewest, most = min(use.slots), max(use.slots)
        slots = str(most) if fewest == most else f"{fewest} to {most}"
        times = [human_duration(use.busy_seconds), human_duration(use.slot_seconds)]
    left = (percent(utilisation([use]), 0), session.unfinished_jobs, session.repaired_bytes)
    return (session.number, session.device, session.host_cores, slots, *times, *left)


def _failures(view: SearchView) -> PageSection:
    """What went wrong, by kind and one by one."""
    failures = view.pool.failures
    if not failures:
        return missing("failures", "Failures", "No training failed.")
    second = ""
    if view.pool.speculated:
        count = plural(len(view.pool.speculated), "second attempt")
        second = f" {count} of a slow training: the epochs of the attempt that lost are among them."
    kinds = PageTable(
        ("kind", "what happened", "times", "given up", "epochs of work lost"),
        [(kind.replace("_", " "), KINDS[kind], *counts.values()) for kind, counts in failure_counts(view).items()],
        f"{plural(view.pool.epochs_wasted, 'epoch')} of work lost in all; they are not charged to the budget.{second} A job "
        "whose node went away or whose checkpoint was damaged is done again without counting as a try.",
        text=("kind", "what happened"),
    )
    shown = failures[:FAILURE_ROWS]
    single = PageTable(
        ("candidate", "level", "kind", "attempt", "epochs", "time", "outcome", "message"),
        [_failure(failed) for failed in shown],
        f"{len(shown)} of {len(failures)} failed trainings. A candidate that was given up is never promoted. One whose training "
        "diverged, ran out of memory or could not be built also loses every comparison; the other kinds say nothing about the "
        "architecture, and no predictor learns from them.",
        title="One by one",
        text=("kind", "outcome"),
        prose=("message",),
    )
    return PageSection("failures", "Failures", [kinds, single])


def _failure(failed: Failed) -> tuple[object, ...]:
    message: object = failed.message
    if failed.traceback:
        message = Details(failed.message, "traceback", failed.traceback)
    kind = failed.kind.replace("_", " ")
    tried = (failed.attempt, failed.epochs, human_duration(failed.seconds), what_next(failed))
    return (failed.candidate_id, failed.level, kind, *tried, message)


def _origin(view: SearchView) -> PageSection:
    facts = [
        ("run", view.name),
        ("search space", view.header.facts["space"]),
        ("data", _data_name(view)),
        ("seed", view.settings.seed),
        ("executor", executor_label(view)),
        ("schedule", schedule_label(view)),
        ("ranking metric", rank_plots.metric_label(view)),
    ]
    return origin(facts, view.header, view.pool.sessions, view.settings.to_dict())


def _data_name(view: SearchView) -> str:
    data = view.settings.data
    return data.name or data.folder or data.npz or UNKNOWN
