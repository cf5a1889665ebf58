"""ranknosh/workflows/retrain/found_cell.py"""

from dataclasses import replace

import pytest

from ranknosh.errors import ConfigError, SpaceError, StoreError
from ranknosh.runs.journal import FILE, FORMAT, Header, dump
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.genotype import Genotype, as_architecture
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.retrain.found_cell import cell_text, parse_cell, read_cell
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE, a_recipe

TEXT = NasBench201().format(CELL)


def test_both_notations_round_trip():
    for cell, code in ((CELL, CELL), (GENOTYPE, as_architecture(GENOTYPE))):
        text = cell_text(cell)
        assert parse_cell(text) == code
        assert read_cell(f"  {text}\n") == (code, None)
        assert cell_text(code) == text


def test_a_file_may_have_a_name_and_remarks(tmp_path):
    path = tmp_path / "found.txt"
    path.write_text(f"# found by a search\n\nBEST = {cell_text(GENOTYPE)}\n")
    assert read_cell(str(path)) == (as_architecture(GENOTYPE), None)
    path.write_text(TEXT)
    assert read_cell(str(path)) == (CELL, None)


def test_a_retraining_has_its_cell_before_its_end_and_a_comparison_none(tmp_path):
    """A search's best and an ended retraining's: tests/ranknosh/cli/test_retrain.py."""
    for workflow, settings in (
        ("retrain", {**a_recipe().to_dict(), "architecture": TEXT}),
        ("compare", {"budget": {"device_time": "1m"}}),
    ):
        (tmp_path / workflow).mkdir()
        header = Header(FORMAT, workflow, "x-1", "", "", settings, {}, {}, {})
        (tmp_path / workflow / FILE).write_bytes(dump(header, []))
    (tmp_path / "retrain" / "genotype.txt").write_text("not what counts")
    cell, run = read_cell(str(tmp_path / "retrain"))
    assert (cell, run.settings.architecture) == (CELL, TEXT)
    with pytest.raises(StoreError, match=r"holds no cell: nothing is found yet in this run of compare; continue it"):
        read_cell(str(tmp_path / "compare"))
    done = [Searched(method, 0, None, Cost(), 1.0, 0, "candidates", 0, "failed") for method in ("ranknosh", "random")]
    settings = {**header.settings, "seeds": 1}
    (tmp_path / "compare" / FILE).write_bytes(dump(replace(header, settings=settings), done))
    with pytest.raises(StoreError, match="no single one came of this run of compare; give the folder of one search"):
        read_cell(str(tmp_path / "compare"))


@pytest.mark.parametrize("place", ["genotype.txt", "best/genotype.txt"])
def test_a_copy_of_what_was_found_is_read_without_a_journal(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(TEXT)
    assert read_cell(str(tmp_path)) == (CELL, None)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (TEXT.replace("nor_conv_3x3", "nor_conv_4x4"), "did you mean nor_conv_3x3"),
        (TEXT[:-9], "cannot read"),
        ("Genotype(normal=[('skip', 0)", "not an expression"),
        (cell_text(GENOTYPE).replace("dil_conv_3x3", "dill"), "'dill'"),
        ("|", "node"),
        ("op(1)", "is no cell"),
    ],
)
def test_garbled_cells(text, needle):
    with pytest.raises(SpaceError, match=needle):
        read_cell(text)


def test_cells_without_a_network():
    uneven = Genotype(GENOTYPE.normal, (2,), GENOTYPE.reduce[:2], (2,))
    with pytest.raises(SpaceError, match="equal numbers"):
        parse_cell(cell_text(uneven))
    twice = Genotype((("skip_connect", 0), ("skip_connect", 0)), (2,), GENOTYPE.reduce[:2], (2,))
    with pytest.raises(SpaceError, match="node 0 twice"):
        parse_cell(cell_text(twice))
    with pytest.raises(SpaceError):
        cell_text(Architecture("nasbench201", (9,) * 6))


def test_names_that_nothing_has_and_folders_that_hold_nothing(tmp_path):
    for name in ("none.txt", "runs/none", "whatever"):
        with pytest.raises(ConfigError, match="neither a cell nor a file"):
            read_cell(name)
    with pytest.raises(StoreError, match="holds no cell"):
        read_cell(str(tmp_path))
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_cell(str(tmp_path / "x"))
    (tmp_path / "y").write_text("nothing\n")
    with pytest.raises(SpaceError, match="y: 'nothing' is no cell"):
        read_cell(str(tmp_path / "y"))
