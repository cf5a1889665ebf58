"""ranknosh/workflows/retrain/found.py"""

from dataclasses import replace

import pytest

from ranknosh.errors import ConfigError, SpaceError, StoreError
from ranknosh.runs.journal import FILE, FORMAT, Header, dump
from ranknosh.spaces.base import Architecture
from ranknosh.spaces.genotype import Genotype, format_genotype
from ranknosh.spaces.nasbench201 import NasBench201
from ranknosh.workflows.compare.records import Cost, Searched
from ranknosh.workflows.retrain.found import read_found
from ranknosh.workflows.retrain.presets import preset
from tests.ranknosh.workflows.retrain.retrain_samples import CELL, CELLS, GENOTYPE, GENOTYPE_TEXT, a_recipe

TEXT = NasBench201().format(CELL)


def test_both_notations_round_trip():
    for text, code, space in ((TEXT, CELL, "nasbench201"), (GENOTYPE_TEXT, GENOTYPE, "darts")):
        found = read_found(f"  {text}\n")
        assert (found.architecture, found.spelled, found.run) == (code, space, None)
        assert found.space.format(code) == text


@pytest.mark.parametrize(("text", "space"), [("22212220", "chain"), ("8:16:24:32:40", "size")])
def test_a_text_without_marks_is_an_architecture_where_no_file_has_its_name(text, space, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = read_found(text)
    assert (found.space.name, found.space.format(found.architecture)) == (space, text)
    (tmp_path / text).write_text(TEXT)
    assert read_found(text).architecture == CELL


def test_a_stock_network_is_one_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = read_found("resnet18")
    assert (found.spelled, found.space.spec["net"]) == ("stock", "resnet18")
    assert preset("tiny", found.space, found.spelled).space.make() == found.space


def test_a_file_may_have_a_name_and_remarks(tmp_path):
    path = tmp_path / "found.txt"
    path.write_text(f"# found by a search\n\nBEST = {GENOTYPE_TEXT}\n")
    assert read_found(str(path)).architecture == GENOTYPE
    path.write_text(TEXT)
    assert read_found(str(path)).architecture == CELL


FACTS = {"metrics": {"accuracy": {"higher": True, "unit": "%"}}, "ranked": "accuracy"}


def test_a_retraining_has_its_cell_before_its_end_and_a_comparison_none(tmp_path):
    """A search's best and an ended retraining's: tests/ranknosh/cli/test_retrain.py."""
    for workflow, settings in (
        ("retrain", {**a_recipe(space="nasbench201").to_dict(), "architecture": TEXT}),
        ("compare", {"budget": {"device_time": "1m"}}),
    ):
        (tmp_path / workflow).mkdir()
        header = Header(FORMAT, workflow, "x-1", "", "", settings, {}, FACTS, {})
        (tmp_path / workflow / FILE).write_bytes(dump(header, []))
    (tmp_path / "retrain" / "genotype.txt").write_text("not what counts")
    found = read_found(str(tmp_path / "retrain"))
    assert (found.architecture, found.run.settings.architecture) == (CELL, TEXT)
    assert found.space == found.run.settings.space.make()
    with pytest.raises(
        StoreError, match=r"holds no architecture: nothing is found yet in this run of compare; continue it"
    ):
        read_found(str(tmp_path / "compare"))
    done = [Searched(method, 0, None, Cost(), 1.0, 0, "candidates", 0, "failed") for method in ("ranknosh", "random")]
    settings = {**header.settings, "seeds": 1}
    (tmp_path / "compare" / FILE).write_bytes(dump(replace(header, settings=settings), done))
    with pytest.raises(StoreError, match="no single one came of this run of compare; give the folder of one search"):
        read_found(str(tmp_path / "compare"))


@pytest.mark.parametrize("place", ["genotype.txt", "best/genotype.txt"])
def test_a_copy_of_what_was_found_is_read_without_a_journal(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(TEXT)
    assert read_found(str(tmp_path)).architecture == CELL


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        (TEXT.replace("nor_conv_3x3", "nor_conv_4x4"), "did you mean nor_conv_3x3"),
        (TEXT[:-9], "cannot read"),
        ("Genotype(normal=[('skip', 0)", "it has no end"),
        (GENOTYPE_TEXT.replace("dil_conv_3x3", "dill"), "'dill'"),
        ("|", "node"),
        ("op(1)", "is no architecture"),
    ],
)
def test_garbled_cells(text, needle):
    with pytest.raises(SpaceError, match=needle):
        read_found(text)


def test_architectures_without_a_network():
    uneven = Genotype(CELLS.normal, CELLS.normal_concat, CELLS.reduce[:2], (2,))
    with pytest.raises(SpaceError, match="the reduce cell has 1 nodes, and cells of darts have 2"):
        read_found(format_genotype(uneven))
    with pytest.raises(SpaceError, match="one option of every slot"):
        NasBench201().format(Architecture("nasbench201", (9,) * 6))


def test_names_that_nothing_has_and_folders_that_hold_nothing(tmp_path):
    for name in ("none.txt", "runs/none", "whatever", "1", "2026", "", "x" * 5000, "~nobody-has-this-name/x"):
        with pytest.raises(ConfigError, match="neither an architecture nor a file"):
            read_found(name)
    with pytest.raises(StoreError, match="holds no architecture"):
        read_found(str(tmp_path))
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_found(str(tmp_path / "x"))
    (tmp_path / "y").write_text("nothing\n")
    with pytest.raises(SpaceError, match="y: 'nothing' is no architecture"):
        read_found(str(tmp_path / "y"))
