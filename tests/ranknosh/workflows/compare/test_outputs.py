"""The tables for other programs hold the numbers of the rows."""

import csv
import io

import pytest

from ranknosh.workflows.compare.outputs import csv_table, latex
from tests.ranknosh.workflows.compare.compare_rows import ACCURACY, rows_of, run


@pytest.fixture
def rows():
    tests = {"my_own:a&b": (0.70, 0.73, 0.74), "random": (0.60, 0.61, 0.65)}
    return rows_of(*(run(name, seed, 0.8, test=test) for name, each in tests.items() for seed, test in enumerate(each)))


def test_csv_has_plain_numbers(rows):
    first, second = csv.DictReader(io.StringIO(csv_table(rows)))
    assert first["method"] == "my_own:a&b"
    assert float(first["test_mean"]) == pytest.approx((0.70 + 0.73 + 0.74) / 3)
    assert float(first["difference_from_random"]) == pytest.approx(0.31 / 3)
    assert (first["mean_rank"], second["mean_rank"]) == ("1.0", "2.0")
    assert 0 < float(first["p_against_random"]) < 0.05
    assert (first["p_against_best"], second["p_against_random"]) == ("", "")
    assert float(second["difference_from_best"]) == pytest.approx(-0.31 / 3)
    assert "table_mean" not in first
    (known,) = csv.DictReader(io.StringIO(csv_table(rows_of(run("random", 0, 0.8, truth=0.91)))))
    assert known["table_mean"] == "0.91"


def test_latex_escapes_names_and_has_one_cell_a_column(rows):
    lines = latex(rows, ACCURACY).splitlines()
    assert lines[0] == r"\begin{tabular}{lrrrrrr}"
    assert lines[4].startswith(r"my\_own:a\&b & 3 & 80.00 $\pm$ 0.00 & 72.33 $\pm$ ")
    assert all(line.replace(r"\&", "").count("&") == 6 for line in (lines[2], *lines[4:6]))
    assert lines[2].count(r"(\%)") == 2
    assert lines[5].endswith(r"\\")


def test_nothing_known_is_still_a_table():
    rows = rows_of(run("random", 0, None))
    assert len(csv_table(rows).splitlines()) == 2
    assert latex(rows, ACCURACY).count("n/a") == 2


def test_names_are_shown_and_not_obeyed():
    rows = rows_of(run("my:\x1b[2J\nx", 0, 0.5))
    assert next(csv.DictReader(io.StringIO(csv_table(rows))))["method"] == r"my:\x1b[2J\nx"
    assert latex(rows, ACCURACY).splitlines()[4].startswith(r"my:\textbackslash{}x1b[2J\textbackslash{}nx &")
