"""Scores from a file: found by canonical id, and every way a file can be wrong is told."""

from pathlib import Path

import numpy as np
import pytest

from ranknosh.bench.scores import PROXIES, read_scores
from ranknosh.config.sections import SeedingConfig
from ranknosh.errors import ConfigError, DataError
from ranknosh.tasks.data.table import Table


def test_every_architecture_gets_the_values_of_its_function(whole: Table, scores_file: Path, lines_of) -> None:  # type: ignore[no-untyped-def]
    scores = read_scores(scores_file, whole, ["nwot", "snip", "nwot"])
    written = {line["canonical"]: line for line in lines_of(whole)}
    assert list(scores) == ["nwot", "snip"]
    for row in range(0, len(whole), 97):
        architecture = whole.architectures[row]
        if whole.space.is_dead(architecture):
            assert np.isnan([scores["nwot"][row], scores["snip"][row]]).all()
            continue
        line = written[whole.space.canonical(architecture)]
        assert scores["snip"][row] == float(line["snip"])
        np.testing.assert_equal(scores["nwot"][row], float(line["nwot"] or "nan"))
    assert 0.3 < np.isnan(scores["nwot"]).mean() < 0.4


def test_what_is_read_by_default_is_what_a_search_is_seeded_with(whole: Table, scores_file: Path) -> None:
    assert list(read_scores(scores_file, whole)) == list(PROXIES)
    assert SeedingConfig().proxies == PROXIES


def test_the_row_of_an_architecture_goes_before_that_of_its_function(
    whole: Table, tmp_path: Path, lines_of, write_lines
) -> None:  # type: ignore[no-untyped-def]
    lines = lines_of(whole)
    first = {line["canonical"]: line for line in lines}
    row, twin = next(
        (row, cell)
        for row, cell in enumerate(whole.architectures)
        if not whole.space.is_dead(cell)
        and first[whole.space.canonical(cell)]["architecture"] != whole.space.format(cell)
    )
    line = first[whole.space.canonical(twin)]
    own = {**line, "architecture": whole.space.format(twin), "snip": "-123.5"}
    path = write_lines(tmp_path / "codes.csv", [*lines, own])
    scores = read_scores(path, whole, ["snip"])
    assert scores["snip"][row] == -123.5
    assert scores["snip"][whole.row(whole.space.parse(line["architecture"]))] == float(line["snip"])


def test_a_table_of_a_part_needs_that_part_only(
    small: Table, whole: Table, tmp_path: Path, lines_of, write_lines
) -> None:  # type: ignore[no-untyped-def]
    path = write_lines(tmp_path / "some.csv", lines_of(small))
    assert np.isfinite(read_scores(path, small, ["snip"])["snip"]).mean() > 0.9
    with pytest.raises(DataError, match=r"no scores of \d\d\d\d of the table's functions, such as \|.*ranknosh score"):
        read_scores(path, whole, ["snip"])


def test_other_columns_and_a_byte_order_mark_do_not_matter(small: Table, tmp_path: Path, lines_of, write_lines) -> None:  # type: ignore[no-untyped-def]
    lines = [{**line, "accuracy": "n/a", "mine": "?"} for line in lines_of(small)]
    path = write_lines(tmp_path / "some.csv", lines)
    plain = read_scores(path, small, ["snip"])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    np.testing.assert_array_equal(read_scores(path, small, ["snip"])["snip"], plain["snip"])


@pytest.mark.parametrize(
    ("proxies", "message"),
    [
        (
            ["grasp"],
            r"no column grasp; its proxies are synflow, snip, nwot; write it with: ranknosh score nasbench201 --all",
        ),
        (["grasp"], r"--proxies synflow,snip,nwot,grasp --csv scores.csv"),
    ],
)
def test_a_proxy_that_is_not_in_the_file_is_named(small: Table, scores_file: Path, proxies, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=message):
        read_scores(scores_file, small, proxies)


def test_names_that_are_no_proxies_are_refused(small: Table, scores_file: Path) -> None:
    with pytest.raises(ConfigError, match="unknown proxy 'seconds'"):
        read_scores(scores_file, small, ["seconds"])
    with pytest.raises(ConfigError, match="no proxy is left"):
        read_scores(scores_file, small, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"snip": "many"}, "row 3 of .*: snip is 'many'; write a finite number, or nothing"),
        ({"snip": "inf"}, "row 3 of .*: snip is 'inf'"),
        ({"snip": "nan"}, "row 3 of .*: snip is 'nan'"),
        ({"architecture": "|none~0|"}, "row 3 of .* has no architecture of nasbench201"),
        ({"canonical": "elsewhere"}, "row 3 of .* has the canonical id .*, the file says 'elsewhere'"),
    ],
)
def test_a_bad_cell_is_told_with_its_row(small: Table, tmp_path: Path, lines_of, write_lines, change, message) -> None:  # type: ignore[no-untyped-def]
    lines = lines_of(small)
    lines[2] = {**lines[2], **change}
    with pytest.raises(DataError, match=message):
        read_scores(write_lines(tmp_path / "bad.csv", lines), small, ["snip"])


def test_an_architecture_has_one_row(small: Table, tmp_path: Path, lines_of, write_lines) -> None:  # type: ignore[no-untyped-def]
    lines = lines_of(small)
    twice = read_scores(write_lines(tmp_path / "twice.csv", [*lines, lines[4]]), small, ["snip"])
    assert set(twice) == {"snip"}
    again = [*lines, {**lines[4], "snip": "1.25"}]
    with pytest.raises(DataError, match=f"row {len(again)} of .* repeats .* with other values"):
        read_scores(write_lines(tmp_path / "other.csv", again), small, ["snip"])


def test_files_that_are_no_scores(small: Table, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--scores .*nowhere.csv does not exist; the nearest folder"):
        read_scores(tmp_path / "nowhere.csv", small, ["snip"])
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="cannot be read as csv: it is not UTF-8 text"):
        read_scores(tmp_path / "bytes.csv", small, ["snip"])
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="no column architecture, canonical, snip; its proxies are none"):
        read_scores(tmp_path / "empty.csv", small, ["snip"])
    (tmp_path / "wide.csv").write_text("architecture,canonical,snip\na,b,1,2,3\n")
    with pytest.raises(DataError, match=r"wide.csv: row 1 has more fields than there are columns"):
        read_scores(tmp_path / "wide.csv", small, ["snip"])
