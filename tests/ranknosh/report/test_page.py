"""ranknosh/report/page.py and its templates: every block, by itself and with text that tries to break out."""

import sys
from types import SimpleNamespace

import pytest

from ranknosh.core.records import Session
from ranknosh.errors import MissingDependency
from ranknosh.report.page import (
    Box,
    Card,
    Cards,
    Code,
    Details,
    Drawing,
    Facts,
    Figure,
    Gallery,
    Line,
    Number,
    Page,
    PageSection,
    PageTable,
    Text,
    data_text,
    missing,
    origin,
    template,
)
from ranknosh.runs.journal import Header
from tests.browser import axe, check_page
from tests.pages import read_page

BAD = """</pre><script>alert("1")</script>&'{{ 7 * 7 }}\x1b[2J\u202e\x85"""
SEEN = BAD.replace("\x1b[2J\u202e\x85", r"\x1b[2J\u202e\x85")
SVG = '<svg viewBox="0 0 1 1"></svg>'
DRAWING = Drawing(BAD, 40, 20, [Line("M0 0 L1 1", BAD, 2, BAD, True)], [Box(9, 9, 8, 8, BAD, BAD)], {BAD: BAD})


def shown(*blocks, title="Numbers", half=False):
    return Page("Kind", "name", "about", [PageSection("one", title, blocks, half)]).render()


@pytest.mark.parametrize(
    ("block", "times"),
    [
        (Text([BAD, BAD]), 2),
        (Text([BAD], "nothing"), 1),
        (Text([BAD], "warning"), 1),
        (Text([BAD], "notes"), 1),
        (Cards([Card(BAD, BAD)]), 2),
        (Facts([(BAD, BAD)]), 2),
        (Code(BAD, BAD), 2),
        (PageTable([BAD], [[BAD]], BAD, BAD), 4),
        (PageTable([BAD], [[BAD]], text=[BAD], code=[BAD], prose=[BAD]), 2),
        (PageTable(["a"], [[Details(BAD, BAD, BAD)]]), 3),
        (Figure(SVG, BAD, BAD), 2),
        (Figure(DRAWING, "drawn"), 1),
        (Gallery([Figure(SVG, BAD), Figure(DRAWING, BAD)]), 3),
    ],
)
def test_no_text_can_break_out_of_a_block(block, times):
    page = read_page(shown(block))
    assert page.words.count(SEEN) == times
    assert "<script" not in page.source


SAID, KEPT = "97.49 % in 3 min 05 s, n = 9, 4 samples", "97.49\xa0% in 3\xa0min\xa005\xa0s, n\xa0=\xa09, 4 samples"


@pytest.mark.parametrize(
    ("block", "times"),
    [
        (Text([SAID, SAID]), 2),
        (Text([SAID], "notes"), 1),
        (Cards([Card(SAID, SAID)]), 2),
        (Facts([("name", SAID)]), 1),
        (PageTable(["a"], [[SAID]], SAID, SAID), 3),
        (PageTable(["a"], [[Details(SAID, "why", SAID)]]), 2),
        (Figure(SVG, SAID, SAID, alt="drawn"), 2),
        (Code(SAID), 0),  # is copied as it stands
    ],
)
def test_no_line_ends_between_a_number_and_its_unit(block, times):
    source = shown(block)
    assert source.count(KEPT) == times
    assert (SAID in source) == (times == 0)


def test_names_of_rows_leave_room_for_numbers_on_a_narrow_screen(browser, tmp_path):
    rows = [["epochs that the best one was trained for", "4 min 57 s", "16 s"]]
    (tmp_path / "page.html").write_text(shown(PageTable(["", "first", "second"], rows, text=[""])))
    browser.open((tmp_path / "page.html").as_uri(), 390, "light")
    assert browser.ask("[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth <= one.clientWidth)")


def test_no_text_can_break_out_of_the_page_around_them():
    page = read_page(Page(BAD, BAD, BAD, [PageSection("one", BAD, [])], BAD).render())
    assert page.words.count(SEEN) == 7  # window (twice), heading, subtitle, contents, section, footer


def test_a_section_has_a_heading_and_halves_say_so():
    page = read_page(
        Page(
            "Kind", "n", "s", [PageSection("a", "First", [], half=True), missing("b", "Second", "n/a: none.")]
        ).render()
    )
    assert page.all("section") == [
        {"id": "a", "aria-labelledby": "a-title", "class": "half"},
        {"id": "b", "aria-labelledby": "b-title"},
    ]
    assert page.all("p")[-1] == {"class": "nothing"}
    assert "Second n/a: none." in page.words


def test_a_table_has_headers_of_columns_and_rows_and_sets_numbers_to_the_right():
    table = PageTable(("rank", "cell", "note", "acc"), [(1, "|a|b", "x", 0.5), (2, "c", "y", None)], "Said.", "Best")
    page = read_page(shown(table))
    assert page.all("th")[:4] == [{"scope": "col"}] * 4
    assert page.count("th") == 4 + 2
    assert page.all("td") == [{}] * 6
    assert "Best rank cell note acc 1 |a|b x 0.5 2 c y None Said." in page.words
    styled = PageTable(table.head, table.rows, text=("note",), code=("cell",), marked=(1,))
    page = read_page(shown(styled))
    assert [attrs.get("class") for attrs in page.all("th")] == [None, "code", "text", None, None, None]
    assert [attrs.get("class") for attrs in page.all("td")] == ["code", "text", None] * 2
    assert [attrs.get("class") for attrs in page.all("tr")] == [None, None, "marked"]
    assert "|<wbr>a|<wbr>b" in page.source


def test_a_table_that_sorts_says_so_and_what_its_numbers_are_worth():
    page = read_page(shown(PageTable(("a", "b"), [("x", Number("1.2 ms", 0.0012)), ("y", Number("n/a", None))])))
    assert page.all("table") == [{}]
    assert page.all("td") == [{"data-value": "0.0012"}, {"data-value": ""}]
    assert "x 1.2 ms y n/a" in page.words
    page = read_page(shown(PageTable(("a",), [("x",)], sortable=True)))
    assert page.all("table") == [{"class": "sortable"}]


def test_a_figure_has_a_text_alternative_its_caption_unless_there_is_another():
    page = read_page(shown(Figure(SVG, "Said.", alt="Other"), Figure(SVG, "Said."), Figure("", "No picture.")))
    labels = [attrs["aria-label"] for attrs in page.all("div") if attrs.get("role") == "img"]
    assert labels == ["Other", "Said."]
    assert page.count("figcaption") == 3


def test_a_drawing_places_boxes_by_their_centres_and_names_its_arrow_heads():
    drawing = Drawing(
        "d", 100, 50, [Line("M0 0", "#111111", 2, "end")], [Box(20, 10, 8, 4, "in", "#222222")], {"end": "#333333"}
    )
    page = read_page(shown(Figure(drawing, "A drawing.")))
    (box,), (marker,), (path,) = page.all("rect"), page.all("marker"), [a for a in page.all("path") if "stroke" in a]
    assert [box[name] for name in ("x", "y", "width", "height", "rx")] == ["16.0", "8.0", "8.0", "4.0", "2.0"]
    assert (marker["id"], path["marker-end"]) == ("d-end", "url(#d-end)")
    assert "stroke-dasharray" not in path
    assert page.all("svg")[0]["style"] == "--drawn: 100px"


def a_run(header, sessions, settings):
    return SimpleNamespace(header=header, sessions=sessions, settings=SimpleNamespace(to_dict=lambda: settings))


def test_how_a_run_was_made_has_facts_commands_versions_and_settings():
    data = {"name": "digits", "examples": {"train": 1079, "test": 5}, "inputs": [1, 8, 8]}
    header = Header(2, "search", "a-1", "", "ranknosh search a.yaml", {}, data, {}, {"torch": "2", "numpy": "1"})
    sessions = [Session(1, 2, "cpu", "ranknosh search a.yaml"), Session(2, 2, "cpu", "ranknosh resume a")]
    assert data_text(data) == "digits: 1,079 train, 5 test, 1×8×8 (channels, height, width)"
    more = {
        **data,
        "kind": "numbers",
        "inputs": [30],
        "task": {"name": "regression"},
        "notes": ["2 files were passed over"],
    }
    assert data_text(more) == "digits: 1,079 train, 5 test, 30 numbers; task regression; 2 files were passed over"
    words = read_page(
        Page("K", "n", "s", [origin([("seed", 3)], a_run(header, sessions, {"b": 1, "a": 2}))]).render()
    ).words
    assert (
        "seed 3 devices cpu, 2 cores sessions 2 git revision n/a started n/a Commands ranknosh search a.yaml ranknosh "
        "resume a Versions numpy 1 torch 2 Configuration b: 1 a: 2"
    ) in words
    words = read_page(Page("K", "n", "s", [origin([], a_run(header, [], {}))]).render()).words
    assert "devices n/a sessions 0" in words
    assert "Commands ranknosh search a.yaml Versions" in words


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("<script>nothing.there</script>", "nothing is not defined"),
        ("<p style='width: 2000px'>wide</p>", "scrolls sideways"),
        ("<div class='picture'><svg style='display: none'></svg></div>", "1 pictures are not seen"),
    ],
)
def test_the_browser_sees_what_is_wrong(browser, tmp_path, wrong, said):
    check_page(browser, shown(Text(["right"])), tmp_path)
    with pytest.raises(AssertionError, match=said):
        check_page(browser, shown(Text(["right"])).replace("</main>", f"{wrong}</main>"), tmp_path)


@pytest.mark.slow
def test_axe_sees_what_hinders_people(browser, tmp_path):
    if axe() is None:
        pytest.skip("the package axe-core-python is not installed")
    faint = shown(Text(["right"])).replace("</main>", "<p style='color: #eee; background: #fff'>faint</p></main>")
    with pytest.raises(AssertionError, match="color-contrast"):
        check_page(browser, faint, tmp_path)


def test_equal_pages_give_equal_bytes():
    assert shown(Code("a")) == shown(Code("a")) != shown(Code("b"))


def test_without_jinja2_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    template.cache_clear()
    with pytest.raises(MissingDependency, match="jinja2"):
        shown()
