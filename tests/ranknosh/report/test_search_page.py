"""The page of a search: what is on it for whole, cut and odd journals."""

import re
import sys
from dataclasses import replace

import pytest

from ranknosh.core.records import EpochPoint, Failed, Observed, Promotion, Session, Tested
from ranknosh.core.signals import SIGNALS
from ranknosh.errors import MissingDependency
from ranknosh.report.cost_plots import cost_plot
from ranknosh.report.page import template
from ranknosh.report.plots import incumbent_plot, learning_curve
from ranknosh.report.rank_plots import agreement_plot, origins_plot, proxies_plot
from ranknosh.report.search_page import render
from ranknosh.report.tables import status_dict
from ranknosh.workflows.search.run import SearchRun
from tests.browser import check_page
from tests.pages import read_page

SHOWN = ["found", "incumbent", "pyramid", "cost", "leaderboard"]
FOLDED = ["budget", "predictor", "agreement", "proxies", "operations", "importance", "origins"]
FOLDED += ["runners", "workers", "failures", "origin"]
PLOTS = ["incumbent", "pyramid", "cost", "budget", "predictor", "agreement", "operations", "origins", "workers"]


@pytest.fixture(scope="module")
def page(engine_run):
    return read_page(render(SearchRun.read(engine_run)))


def test_the_page_has_every_section(page):
    assert len(page.source) < 1_500_000
    assert page.sections == [*SHOWN, *FOLDED]
    assert [attrs["id"] for attrs in page.all("section") if "class" in attrs] == ["operations", "importance"]
    assert sum(attrs.get("class") == "fold" for attrs in page.all("details")) == len(FOLDED)


def test_the_page_says_what_was_found_and_what_it_cost(page, engine_run):
    view = SearchRun.read(engine_run)
    best, words = view.pool.best(), page.words
    assert f"{100 * best.metrics['accuracy']:.2f} %" in words
    assert "70.00 %" in words
    assert "read once, at the end" in words
    assert f"{view.pool.epochs_spent}" in words
    assert "candidates what ended the search (state: finished)" in words
    assert "ranknosh search formula.yaml" in words
    assert "abc123" in words
    assert "ranknosh 0.1.0" in words
    assert "initial: 12" in words
    assert best.text in words


def test_every_picture_has_words_with_it(page):
    drawn = len(PLOTS) + 1 + 3  # the found cell; three runners-up
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("role") == "img"]
    assert len(labels) == drawn
    assert all(re.search(r".{20,}\.$", label) for label in labels)
    assert (
        page.count("figcaption") == drawn - 3 + 5
    )  # no runners-up; leaderboard, margins, signals, failures by kind and one by one
    assert "reached: level 1 (1 epoch): " in page.words
    assert "proxy scoring did not run" in page.words


def test_messages_of_failures_are_escaped(page):
    text = page.source
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "tried again" in text
    assert "given up" in text


def test_hostile_names_stay_text_wherever_they_come_from(build):
    bad = "<script>x</script>&$y^$"
    timed = [
        (0.0, Session(1, 2, bad, bad)),
        (0.0, build.proposed(0)),
        (0.0, build.proposed(1)),
        (1.0, build.observed(0, 1, 0.4, 1)),
        (2.0, Failed(1, 1, "raised", bad, 0, 0.1, 1, True, traceback=bad)),
    ]
    view = build.view(timed, data={"folder": bad}, executor={"name": "ray", "address": bad})
    view.settings = view.settings.model_copy(update={"name": bad})
    view.history.header = replace(view.header, git=bad, facts={"space": bad}, versions={bad: bad})
    view.pool.candidates[0].text = bad
    page = read_page(render(view))
    assert "<script" not in page.source
    assert page.words.count(bad) >= 15


def test_equal_journals_give_equal_pages(page, engine_run):
    assert read_page(render(SearchRun.read(engine_run))).source == page.source


@pytest.mark.parametrize("cut", [0, 3, 20])
def test_any_prefix_of_a_journal_can_be_shown(tmp_path, build, cut):
    parsed = read_page(render(SearchRun.read(build.run(tmp_path / "run", cut=cut))))
    assert "interrupted, and can be resumed" in parsed.words
    if cut <= 3:
        assert "n/a validation accuracy" in parsed.words
        assert "n/a test accuracy" in parsed.words
    assert "nan" not in parsed.words.replace("loss is nan", "").lower().split()


def test_unknown_numbers_are_said_to_be_unknown_and_odd_runs_are_confessed(build):
    timed = [(0.0, build.proposed(i)) for i in range(2)] + [(1.0, build.observed(1, 1, 0.4, 1))]
    timed += [(1.0, Failed(0, 1, "crashed", "again", 0, 0.1, attempt=n, final=False)) for n in range(1, 60)]
    timed += [(2.0, Tested(1, {}, 0.1, 1)), (3.0, Tested(1, {}, 0.1, 1))]
    view = build.view(timed, budget={})
    view.pool.candidates[1].text = notation = "Genotype(normal=[('sep_conv_3x3', 0)], reduce=[])"
    words = read_page(render(view)).words
    for said in (
        "test accuracy, the test split was read 2 times: it is no longer untouched",
        "git revision abc123",
        "no cost of the candidates is known",
        "(no limit on epochs)",
        "40 of 59 failed trainings",
        notation,
    ):
        assert said in words
    assert "no path from input" not in words


def test_a_metric_without_accuracy_is_shown_without_inventing_one(build):
    view = build.view(
        [(0.0, build.proposed(0)), (1.0, Observed(0, 1, -1.5, {"loss": 1.5}, 1, 1.0, {"params": 10, "macs": 20}))],
        train={"metric": "loss"},
    )
    for make in (incumbent_plot, origins_plot, cost_plot):
        (text,) = make(view).blocks
        assert text.style == "nothing"
        assert text.lines[0].startswith("n/a: ")
    assert "ranking metric validation loss, lower is better" in read_page(render(view)).words


def two_levels(build, count, make, **settings):
    """``count`` candidates at both of the lower levels; ``make`` gives a result of a candidate at a level."""
    timed = [(0.0, build.proposed(number)) for number in range(count)]
    timed += [(1.0, make(number, 1)) for number in range(count)]
    timed += [(2.0, Promotion(number, 2)) for number in range(count)]
    return build.view(timed + [(3.0, make(number, 2)) for number in range(count)], **settings)


def test_a_loss_that_ranks_is_drawn_as_the_loss(build):
    def result(number, level):
        return Observed(number, level, -1.5 - number, {"loss": 1.5 + number}, 1, 1.0)

    (figure,) = agreement_plot(two_levels(build, 3, result, train={"metric": "loss"})).blocks
    assert "level 1: validation loss (nats)" in figure.picture
    assert ">1.50<" in figure.picture
    assert "\N{MINUS SIGN}1.5" not in figure.picture


def test_no_correlation_says_what_it_takes(build):
    (figure,) = agreement_plot(two_levels(build, 2, lambda number, level: build.observed(number, level, 0.5, 1))).blocks
    assert "n/a: it takes three candidates" in figure.picture


def test_proxies_are_shown_where_they_ran(view):
    (figure,) = proxies_plot(view).blocks
    assert figure.picture.count('id="proxies-axes_') == 2
    assert "2 architectures scored without training in 0.5 s" in figure.caption
    assert "synflow: n/a (n = 2)" in figure.caption


def test_large_pools_are_thinned_and_say_so(tmp_path, build):
    folder = build.run(tmp_path / "run", candidates=400)
    text = render(SearchRun.read(folder))
    assert len(text) < 1_500_000
    assert re.search(r"\d+ of \d+ curves are drawn", read_page(text).words)


def test_a_learning_curve_runs_over_all_levels_and_falls_back_to_their_ends(tmp_path, build, engine_run):
    view = SearchRun.read(engine_run)
    top = next(c for c in view.leaderboard() if c.level == 4)
    assert [epoch for epoch, _ in learning_curve(view, top)] == list(range(1, 9))
    bare = SearchRun.read(build.run(tmp_path / "bare", curves=False))
    top = next(c for c in bare.leaderboard() if c.level == 4)
    assert learning_curve(bare, top) == [
        (epochs, 100 * top.observations[level].metrics["accuracy"]) for level, epochs in enumerate((1, 2, 4, 8), 1)
    ]


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named(engine_run, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    template.cache_clear()
    with pytest.raises(MissingDependency, match=package):
        render(SearchRun.read(engine_run))


def test_reading_a_run_needs_neither_matplotlib_nor_jinja2():
    import subprocess

    code = "import sys, ranknosh.report; sys.exit(bool({'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_a_constraint_forbids_is_shaded(by_hand, build):
    free = read_page(render(build.view(by_hand))).source
    limited = read_page(render(build.view(by_hand, constraints={"params": "<= 150"}))).source
    assert limited.count("<path") > free.count("<path")
    assert render(build.view(by_hand, constraints={"latency": "<= 5 ms"})).count("<path") == free.count("<path")


@pytest.mark.slow
def test_a_browser_shows_it(browser, engine_run, tmp_path):
    check_page(browser, render(SearchRun.read(engine_run)), tmp_path)


@pytest.mark.slow
def test_tables_sort_by_the_keyboard_marks_tell_who_they_are_and_links_unfold(browser, engine_run, tmp_path):
    (tmp_path / "page.html").write_text(render(SearchRun.read(engine_run)))
    browser.open((tmp_path / "page.html").as_uri(), 1280, "light")
    column = "[...document.querySelectorAll('#leaderboard tbody')[0].rows].map((row) => row.cells[6].dataset.value)"
    head = "document.querySelectorAll('#leaderboard th[scope=col]')[6]"
    values = list(map(float, browser.ask(column)))
    assert browser.ask(f"{head}.textContent") == "accuracy"
    browser.ask(f"{head}.querySelector('button').focus()")
    browser.press("Enter")
    assert list(map(float, browser.ask(column))) == sorted(values, reverse=True)
    assert browser.ask(f"{head}.getAttribute('aria-sort')") == "descending"
    browser.press("Enter")
    assert list(map(float, browser.ask(column))) == sorted(values) != values
    assert browser.ask(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert browser.ask("document.querySelectorAll('[aria-sort]').length") == 1

    browser.ask("document.querySelector('#incumbent').scrollIntoView()")
    box = browser.ask(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector('#incumbent .spots rect').getBoundingClientRect())"
    )
    browser.point(*box)
    assert re.fullmatch(r"#\d+: \d+\.\d\d.% at level \d", browser.ask("document.querySelector('.tip').textContent"))
    browser.point(2, 2)
    assert browser.ask("document.querySelector('.tip').hidden")

    assert not browser.ask("document.querySelector('#workers details').open")
    browser.ask("document.querySelector('a[href=\"#workers\"]').click()")
    assert browser.ask(
        "new Promise((done) => setTimeout(() => done(document.querySelector('#workers details').open), 100))"
    )
    assert browser.trouble == []


def test_the_page_and_the_status_say_what_ranked_a_level(build):
    def result(number, level):
        curve = (EpochPoint(level, number / 10, 0.5 - number / 10, 1.0),)
        return replace(build.observed(number, level, 0.5 - number / 10, 1), curve=curve)

    view = two_levels(build, 3, result)
    _, table = agreement_plot(view).blocks
    assert table.rows == [(1, "the validation metric", 3, *["1.00"] * 5)]
    assert status_dict(view)["signals"] == [
        {"level": 1, "signal": "validation", "compared": 3, "taus": dict.fromkeys(SIGNALS, 1.0)}
    ]
    bare = two_levels(build, 3, lambda number, level: build.observed(number, level, 0.5, 1))
    assert len(agreement_plot(bare).blocks) == 1
