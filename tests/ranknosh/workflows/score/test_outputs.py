"""Where scores are written."""

from pathlib import Path

import pytest

from ranknosh.errors import ConfigError, StoreError
from ranknosh.workflows.score.outputs import Outputs, write_whole


def test_the_files_beside_each_other(tmp_path: Path) -> None:
    files = Outputs.at(tmp_path / "a.b.csv")
    assert (files.table.name, files.journal.name, files.page.name) == ("a.b.csv", "a.b.jsonl", "a.b.html")


@pytest.mark.parametrize("name", ["scores.txt", "scores", "scores.jsonl", "folder.csv"])
def test_names_that_are_no_table(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match=r"ending in \.csv"):
        Outputs.at(tmp_path / name)


def test_a_table_of_somebody_elses_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("mine")
    with pytest.raises(ConfigError, match="--fresh to replace it"):
        Outputs.at(table)
    assert Outputs.at(table, fresh=True).table == table
    (tmp_path / "scores.jsonl").write_text("")
    assert Outputs.at(table).table == table


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.csv", b"one")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--out"):
        write_whole(tmp_path / "file" / "a.csv", b"one")
