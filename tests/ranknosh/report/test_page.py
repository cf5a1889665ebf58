import re
import sys
from html.parser import HTMLParser

import pytest

from ranknosh.core.records import Failed, Observed, Tested
from ranknosh.errors import MissingDependency, StoreError
from ranknosh.report import RunView, write_report
from ranknosh.report.cell_plots import cost_panel, origins_panel
from ranknosh.report.figure import level_colour
from ranknosh.report.page import render
from ranknosh.report.plots import incumbent_panel, learning_curve, thin
from ranknosh.report.rank_plots import metric_label, proxies_panel

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that every tag is closed in order, and keeps ids, attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.tags, self.links, self.text = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.links.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def page(engine_run):
    path = write_report(engine_run)
    return path, Page(path.read_text())


def test_the_page_is_one_sound_file_that_needs_nothing_else(page):
    path, parsed = page
    assert path.name == "report.html"
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert all(link.startswith("#") for link in parsed.links)
    assert {link[1:] for link in parsed.links} <= set(parsed.ids)
    text = path.read_text()
    assert not re.search(r"url\((?!#)|@import|<script|<link|<img|<iframe", text)
    assert path.stat().st_size < 1_500_000
    assert not list(path.parent.glob(".report*"))


def test_the_page_says_what_was_found_and_what_it_cost(page, engine_run):
    view = RunView.load(engine_run)
    best, words = view.pool.best(), page[1].words
    assert f"{100 * best.validation:.2f} %" in words
    assert "70.00 %" in words
    assert "read once, at the end" in words
    assert f"{view.pool.epochs_spent}" in words
    assert "every planned candidate was proposed" in words
    assert "ranknosh search formula.yaml" in words
    assert "abc123" in words
    assert "ranknosh 0.1.0" in words
    assert "initial: 12" in words
    assert best.text in words.replace("| ", "|")


def test_every_picture_has_words_beside_it(page):
    text, drawn = (
        page[0].read_text(),
        {"pyramid", "incumbent", "budget", "predictor", "agreement", "cost", "operations"},
    )
    for name in drawn | {"origins"}:
        section = re.search(rf'<section class="keep" id="{name}">.*?</section>', text, re.DOTALL).group()
        assert re.search(r'<svg role="img" aria-label="[^"]{40,}"', section), name
        assert re.search(r"<figcaption>[^<]*\d[^<]*\.</figcaption>", section), name
    assert (
        text.count("<figcaption>") == text.count("<figure>") == len(drawn) + 1 + 4
    )  # the found cell, three runners-up
    assert "reached: level 1 (1 epoch): " in page[1].words
    assert "level 0 (train-free proxies) did not run" in page[1].words


def test_messages_of_failures_are_escaped(page):
    text = page[0].read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "tried again" in text
    assert "given up" in text


def test_equal_journals_give_equal_pages(page, engine_run):
    assert render(RunView.load(engine_run)) == page[0].read_text()


@pytest.mark.parametrize("cut", [0, 3, 20])
def test_any_prefix_of_a_journal_can_be_shown(tmp_path, build, cut):
    text = write_report(build.run(tmp_path / "run", cut=cut)).read_text()
    parsed = Page(text)
    assert parsed.open == []
    assert "interrupted, and can be resumed" in parsed.words
    if cut <= 3:
        assert "n/a validation accuracy" in parsed.words
        assert "n/a test accuracy" in parsed.words
    assert "nan" not in re.sub(r"<[^>]*>|loss is nan", "", text).lower().split()


def test_unknown_numbers_are_said_to_be_unknown_and_odd_runs_are_confessed(build):
    timed = [(0.0, build.proposed(i)) for i in range(2)] + [(1.0, build.observed(1, 1, 0.4, 1))]
    timed += [(1.0, Failed(0, 1, "crashed", "again", 0, 0.1, attempt=n, final=False)) for n in range(1, 60)]
    timed += [(2.0, Tested(1, None, None, 0.1, 1)), (3.0, Tested(1, None, None, 0.1, 1))]
    view = build.view(timed, budget={}, data={})
    view.header["git"] = None
    view.pool.candidates[1].text = notation = "Genotype(normal=[('sep_conv_3x3', 0)], reduce=[])"
    words = Page(render(view)).words
    for said in (
        "n/a parameters; n/a multiply-accumulates",
        "test accuracy, the test split was read 2 times: it is no longer untouched",
        "git revision n/a",
        "data n/a",
        "the candidates have no parameter counts",
        "(no limit on epochs)",
        "40 of 59 failed trainings",
        notation,
    ):
        assert said in words
    assert "no path from input" not in words


def test_a_metric_without_accuracy_is_shown_without_inventing_one(build):
    view = build.view(
        [(0.0, build.proposed(0)), (1.0, Observed(0, 1, -1.5, None, 1.5, 1, 1.0, 10, 20))], train={"metric": "loss"}
    )
    for paint in (incumbent_panel, origins_panel, cost_panel):
        panel = paint(view)
        assert panel.svg == ""
        assert panel.caption.startswith("n/a: ")
    assert metric_label(view) == "−validation loss"


def test_proxies_are_shown_where_they_ran(view):
    panel = proxies_panel(view)
    assert panel.svg.count('id="proxies-axes_') == 2
    assert "2 architectures scored without training in 0.5 s" in panel.caption
    assert "synflow: n/a (n = 2)" in panel.caption


def test_large_pools_are_thinned_and_say_so(tmp_path, build):
    folder = build.run(tmp_path / "run", candidates=400)
    path = write_report(folder)
    assert path.stat().st_size < 1_500_000
    assert re.search(r"\d+ of \d+ curves are drawn", Page(path.read_text()).words)


def test_a_learning_curve_runs_over_all_levels_and_falls_back_to_their_ends(tmp_path, build, engine_run):
    view = RunView.load(engine_run)
    top = next(c for c in view.leaderboard() if c.level == 4)
    assert [epoch for epoch, _ in learning_curve(view, top)] == list(range(1, 9))
    bare = RunView.load(build.run(tmp_path / "bare", curves=False))
    top = next(c for c in bare.leaderboard() if c.level == 4)
    assert learning_curve(bare, top) == [
        (epochs, top.observations[level].validation_accuracy) for level, epochs in enumerate((1, 2, 4, 8), 1)
    ]


def test_thinning_keeps_the_ends_and_the_order():
    assert thin(range(10), 4) == [0, 3, 6, 9]
    assert thin(range(3), 4) == [0, 1, 2]
    assert thin(range(3), 1) == [0]


def test_level_colours_run_from_pale_to_dark():
    colours = [level_colour(level, 5) for level in range(1, 6)]
    lightness = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in colours]
    assert lightness == sorted(lightness, reverse=True)
    assert len(set(colours)) == 5
    assert level_colour(1, 1) == colours[-1]


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_missing_package_is_named(engine_run, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependency, match=package):
        write_report(engine_run)


def test_reading_a_run_needs_neither_matplotlib_nor_jinja2():
    import subprocess

    code = "import sys, ranknosh.report; sys.exit(bool({'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_damaged_run_leaves_the_old_page(tmp_path, build):
    folder = build.run(tmp_path / "run", cut=5)
    before = write_report(folder).read_bytes()
    journal = folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(lines[0] + "rubbish\n" + "".join(lines[2:]))
    with pytest.raises(StoreError, match="damaged at line 2"):
        write_report(folder)
    assert (folder / "report.html").read_bytes() == before
