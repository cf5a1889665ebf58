"""ranknosh/workflows/retrain/found_cell.py"""

import pytest

from ranknosh.errors import ConfigError, SpaceError, StoreError
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.genotype import Genotype
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.retrain.found_cell import as_found_cell, parse_cell, read_cell
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, GENOTYPE

TEXT = NasBench201().format(CELL)


def test_both_notations_round_trip():
    for cell in (CELL, GENOTYPE):
        found = as_found_cell(cell)
        assert parse_cell(found.text) == found
        assert read_cell(f"  {found.text}\n") == found
        assert as_found_cell(found.architecture) == found
    assert (as_found_cell(CELL).space, as_found_cell(GENOTYPE).space) == ("nasbench201", "darts")


def test_a_file_may_have_a_name_and_remarks(tmp_path):
    path = tmp_path / "found.txt"
    path.write_text(f"# found by a search\n\nBEST = {as_found_cell(GENOTYPE).text}\n")
    assert read_cell(str(path)) == as_found_cell(GENOTYPE)
    path.write_text(TEXT)
    assert read_cell(str(path)) == as_found_cell(CELL)


@pytest.mark.parametrize("place", ["genotype.txt", "best/genotype.txt"])
def test_a_run_folder_gives_its_best(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(TEXT)
    assert read_cell(str(tmp_path)) == as_found_cell(CELL)


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (TEXT.replace("nor_conv_3x3", "nor_conv_4x4"), "did you mean nor_conv_3x3"),
        (TEXT[:-9], "cannot read"),
        ("Genotype(normal=[('skip', 0)", "not an expression"),
        (as_found_cell(GENOTYPE).text.replace("dil_conv_3x3", "dill"), "'dill'"),
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
        as_found_cell(uneven)
    twice = Genotype((("skip_connect", 0), ("skip_connect", 0)), (2,), GENOTYPE.reduce[:2], (2,))
    with pytest.raises(SpaceError, match="node 0 twice"):
        as_found_cell(twice)
    with pytest.raises(SpaceError):
        as_found_cell(Architecture("nasbench201", (9,) * 6))


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


def test_a_dead_cell_is_known():
    assert as_found_cell(Architecture("nasbench201", (0,) * 6)).is_dead
    assert not as_found_cell(CELL).is_dead
    assert not as_found_cell(GENOTYPE).is_dead
