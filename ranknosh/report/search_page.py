"""The page of a search: its sections, from the journal alone."""

from collections.abc import Sequence
from dataclasses import replace

from ranknosh.config.fields import OWN
from ranknosh.config.units import human_duration, plural, quantity_of, whole
from ranknosh.core.candidates import Candidate
from ranknosh.core.records import Failed
from ranknosh.report import plots, rank_plots
from ranknosh.report.beside import beside_text
from ranknosh.report.cost_plots import cost_name, cost_plot, cost_value, front_sections
from ranknosh.report.drawing import drawings
from ranknosh.report.importance import importance_plot
from ranknosh.report.page import (
    Block,
    Card,
    Cards,
    Code,
    Details,
    Figure,
    Gallery,
    Number,
    Page,
    PageSection,
    PageTable,
    Text,
    missing,
    origin,
)
from ranknosh.report.reasons import Reason, reasons
from ranknosh.report.series import margins
from ranknosh.report.tables import status_dict
from ranknosh.report.timeline import timeline_plot
from ranknosh.report.view import SearchView
from ranknosh.report.words import UNKNOWN, origin_name, percent
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
    about = f"space {view.settings.space.name}, data {_data_name(view)}, seed {view.settings.seed}"
    subtitle = f"Neural architecture search with RankNOSH: {about}"
    footer = (
        f"Rebuilt from the journal of {view.name}; every figure on this page is a function of that file. {UNKNOWN} is "
        "written where a number is not known."
    )
    return Page("RankNOSH report", view.name, subtitle, page_sections(view), footer).render()


def page_sections(view: SearchView) -> list[PageSection]:
    """Every section of the page, in reading order: what was found, then, folded, how that came about."""
    shown = [
        _found(view),
        *front_sections(view),
        plots.incumbent_plot(view),
        plots.pyramid_plot(view),
        *_costs(view),
        _leaderboard(view),
    ]
    folded = [
        plots.budget_plot(view),
        rank_plots.predictor_plot(view),
        rank_plots.agreement_plot(view),
        *([rank_plots.proxies_plot(view)] if view.settings.seeding.proxies else []),
        rank_plots.operations_plot(view),
        importance_plot(view),
        rank_plots.origins_plot(view),
        *_runners_up(view),
        _workers(view),
        _failures(view),
        _origin(view),
    ]
    return [*shown, *(replace(section, folded=True) for section in folded)]


def _costs(view: SearchView) -> list[PageSection]:
    """The metric against costs; no section where all costs are objectives, which are drawn with the front."""
    known = {name for candidate in view.leaderboard() for name in candidate.costs}
    return [] if known and known <= set(view.settings.objectives) else [cost_plot(view)]


def _found(view: SearchView) -> PageSection:
    """The best architecture, what it scored and what the search cost."""
    best, pool = view.pool.best(), view.pool
    limit = "" if view.settings.budget.epochs is None else f" / {whole(view.settings.budget.epochs)}"
    top = f"{view.reached(view.pyramid.levels)} reached the top of {plural(view.pyramid.levels, 'level')}"
    shown, costs = view.headline, best.costs if best else {}
    cards = [
        Card(shown.text(view.shown(best.metrics) if best else None), f"validation {shown.name}", strong=True),
        *_test_card(view),
        Card(f"{whole(pool.epochs_spent)}{limit}", f"training epochs spent{' / limit' if limit else ', no limit'}"),
        Card(human_duration(view.search_seconds), f"wall time; device time {human_duration(pool.device_seconds)}"),
        Card(whole(pool.count), f"candidates; {top}"),
        *(Card(cost_value(name, value), cost_name(name)) for name, value in costs.items()),
        Card(_stop(view), f"what ended the search (state: {view.phase})", full=True),
    ]
    drawn: list[Block] = [Text([UNKNOWN], "nothing")]
    if best is not None:
        drawn = [*drawings(view.space, best.text, "found"), Code(best.text)]
    title = "The found architecture" if pool.stopped else "The best architecture so far"
    return PageSection("found", title, [Cards(cards), *drawn, Text([_headline(view, best), *_beside(view)])])


def _beside(view: SearchView) -> list[str]:
    """The stock network beside the best, and what its numbers mean; nothing where there is none."""
    now = status_dict(view)
    if now["best"] is None or now["stock"] is None:
        return []
    tested = ""
    if (test := view.shown(now["stock"]["test"])) is not None:
        tested = f" Its test {view.headline.name}, read once: {view.headline.text(test)}."
    text = beside_text(now["best"], now["stock"], view.quantities)
    return [
        f"Is it worth it? {text}. The stock network had the winner's recipe and at most its epochs and its device time, which no "
        f"budget of the search paid for.{tested}"
    ]


def _stop(view: SearchView) -> str:
    stopped = view.pool.stopped
    if stopped is None:
        return "still running" if view.phase == "running" else "not finished: interrupted, and can be resumed"
    return stopped.detail or stopped.reason.replace("_", " ")


def _test_card(view: SearchView) -> list[Card]:
    """What the test split says; nothing where candidates are trained by a user's own, who keeps it."""
    if view.settings.executor.is_own:
        return []
    shown, tested = view.headline, view.tested()
    value = shown.text(view.shown(tested.metrics) if tested else None)
    return [Card(value, f"test {shown.name}, {_test_note(view)}", strong=True)]


def _test_note(view: SearchView) -> str:
    times = len(view.pool.tested)
    if times > 1:
        return f"the test split was read {times} times: it is no longer untouched"
    return "read once, at the end" if times else "read at the end only"


def _headline(view: SearchView, best: Candidate | None) -> str:
    if best is None:
        return "No candidate has finished a level yet; this page fills as the search continues."
    top = "the top level" if best.level == view.pyramid.levels else f"level {best.level} of {view.pyramid.levels}"
    text = f"Candidate {best.id} leads by validation {view.ranked_name} at {top}, after {plural(best.epochs, 'epoch')}"
    text += " of training"
    if best.replicas:
        text += f"; its validation is the mean of {1 + len(best.replicas)} trainings with different seeds"
    for _, found, mean, count in margins(view)[:1]:
        had, others = view.headline.text(found), view.headline.text(mean)
        text += f". At level 1 it had {had}, the mean of {plural(count, 'initial candidate')} is {others}"
    if front := view.front():
        more = len(front) - (best.id in {candidate.id for candidate in front})
        text += f". With several objectives there is no best: {plural(more, 'other candidate')} of the front may suit better"
    return text + "."


def _runners_up(view: SearchView) -> list[PageSection]:
    """The candidates after the best, drawn; no section where there are none."""
    best = view.pool.best()
    runners = [(place, c) for place, c in enumerate(view.leaderboard(), 1) if best is None or c.id != best.id]
    figures = []
    for place, candidate in runners[:RUNNERS_UP]:
        reached = f"validation {view.headline.text(view.shown(candidate.metrics))} at level {candidate.level}"
        title = f"Rank {place}, candidate {candidate.id}: {reached}"
        drawn = drawings(view.space, candidate.text, f"runner{candidate.id}") or [Figure("", candidate.text)]
        figures += [figure.named(title) for figure in drawn]
    return [PageSection("runners", "Runners-up", [Gallery(figures)])] if figures else []


def _leaderboard(view: SearchView) -> PageSection:
    """The best candidates, and how far the found one is from the initial ones."""
    best, ranked = view.pool.best(), view.leaderboard()
    if not ranked:
        return missing("leaderboard", "Leaderboard", f"{UNKNOWN}: no candidate has a result yet.")
    shown = ranked[:LEADERBOARD_ROWS]
    metrics = list(dict.fromkeys(name for candidate in shown for name in candidate.metrics))
    costs = list(dict.fromkeys(name for candidate in shown for name in candidate.costs))
    objectives = view.pool.objectives is not None
    front = {candidate.id for candidate in view.front()}
    why = reasons(view, [candidate.id for candidate in shown])
    head = [
        "rank",
        "id",
        "architecture",
        *(["front"] if objectives else []),
        "level",
        "epochs",
        "state",
        *metrics,
        "seeds",
    ]
    rows_of = [_row(view, place, each, metrics, costs, why[each.id]) for place, each in enumerate(shown, 1)]
    if objectives:
        rows_of = [(*row[:3], "yes" if row[1] in front else "no", *row[3:]) for row in rows_of]
    board = PageTable(
        (*head, *map(cost_name, costs), "origin"),
        rows_of,
        f"The best {len(shown)} of {plural(len(ranked), 'candidate')} with a result; all of them are in trials.csv. "
        f"{'The front comes before all others. ' if objectives else ''}Candidates trained "
        "again with other seeds come first, with their mean; the others by highest level, then by the ranking metric there. "
        "Metrics are those of validation, not of test. State: why a candidate is where it is, from the journal "
        "(ranknosh status RUN --why ID says it of any).",
        text=("origin", "front", "state"),
        code=("architecture",),
        marked=[place for place, candidate in enumerate(shown) if best is not None and candidate.id == best.id],
        sortable=True,
    )
    shows, epochs = view.headline, view.pyramid.epochs
    rows = [
        (f"{level} ({plural(epochs[level - 1], 'epoch')})", shows.text(found), shows.text(mean), count)
        + (shows.difference(found - mean),)
        for level, found, mean, count in margins(view)
    ]
    against = PageTable(
        ("at level", "found", "mean of initial candidates", "how many", "difference"),
        rows,
        f"Validation {shows.name} of one training each. All initial candidates were trained to level 1; those at higher levels "
        "were promoted for doing well, so these rows are the harder comparison.",
        title="The found architecture against the initial candidates",
        text=("at level",),
    )
    return PageSection("leaderboard", "Leaderboard", [board, against] if rows else [board])


def _row(
    view: SearchView,
    place: int,
    candidate: Candidate,
    metrics: Sequence[str],
    costs: Sequence[str],
    why: Reason,
) -> tuple[object, ...]:
    known, sizes_of = candidate.metrics, candidate.costs
    values = [Number(quantity_of(name, view.quantities).text(known.get(name)), known.get(name)) for name in metrics]
    sizes = [Number(cost_value(name, sizes_of.get(name)), sizes_of.get(name)) for name in costs]
    state = Details(why.status, "why", why.text)
    reached = (place, candidate.id, candidate.text, candidate.level, candidate.epochs, state)
    return (*reached, *values, 1 + len(candidate.replicas), *sizes, origin_name(candidate.origin))


def _workers(view: SearchView) -> PageSection:
    """Who did the work when, and session by session."""
    used, drawn = sessions(view), timeline_plot(view)
    if not used:
        return drawn
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
    return replace(drawn, blocks=[*drawn.blocks, Text([note]), table])


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
        f"{len(shown)} of {plural(len(failures), 'failed training')}. A candidate that was given up is never "
        "promoted. One whose training "
        "diverged, ran out of memory or could not be built also loses every comparison; the other kinds say nothing about the "
        "architecture, and no predictor learns from them.",
        title="One by one",
        text=("kind", "outcome"),
        prose=("message",),
        sortable=True,
    )
    return PageSection("failures", f"Failures ({len(failures)})", [kinds, single])


def _failure(failed: Failed) -> tuple[object, ...]:
    message: object = failed.message
    if failed.traceback:
        message = Details(failed.message, "traceback", failed.traceback)
    kind = failed.kind.replace("_", " ")
    seconds = Number(human_duration(failed.seconds), failed.seconds)
    tried = (failed.attempt, failed.epochs, seconds, what_next(failed))
    return (failed.candidate_id, failed.level, kind, *tried, message)


def _origin(view: SearchView) -> PageSection:
    facts = [
        ("run", view.name),
        ("search space", view.settings.space.name),
        ("data", _data_name(view)),
        ("seed", view.settings.seed),
        ("executor", executor_label(view)),
        ("schedule", schedule_label(view)),
        ("ranking metric", f"validation {view.ranked_name}{'' if view.ranked_by.higher else ', lower is better'}"),
    ]
    return origin(facts, view)


def _data_name(view: SearchView) -> str:
    data = view.settings.data
    if data.name == OWN:
        return "of a training of your own"
    return data.name or data.folder or data.npz or UNKNOWN
