"""ranknosh/config/settings.py: what may change when a run is resumed, for the settings of every workflow."""

from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from ranknosh.config.learning import DataConfig
from ranknosh.config.retrain import RetrainSettings
from ranknosh.config.search import CompareSettings, SearchSettings
from ranknosh.config.sections import BudgetConfig
from ranknosh.config.settings import Changes, Settings, by_name, with_changes
from ranknosh.errors import ConfigError
from ranknosh.workflows import HOMES, run_class

ENDS = {"budget": {"epochs": 20}}


class Some(Settings):
    CHANGES: ClassVar[Changes] = {"raise": ("budget.*", "limit"), "add": ("names",), "free": ("where",)}

    budget: BudgetConfig = BudgetConfig.model_validate({"time": "10m", "disk": "1GB"})
    data: DataConfig = DataConfig(name="digits")
    names: Annotated[tuple[str, ...], Field(strict=False)] = ("a", "b")
    limit: int | None = 5
    where: str = "here"
    kept: float = 1.0


@pytest.mark.parametrize(
    "change",
    [
        *(
            "budget.time=1h",
            "budget.time=null",
            "budget.disk=2GB",
            "budget.epochs=null",
            "limit=5",
            "limit=9",
            "limit=null",
        ),
        *("names=[b, c, a]", "where=there", "data.folder=elsewhere", "out=other", "name=another"),
    ],
)
def test_what_may_change(change):
    Some().check_resume(Some().replace([change]))


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("kept=2.0", "kept was 1.0 when this run started and is 2.0 now; it cannot change on resume"),
        ("seed=1", "seed was 0 when this run started and is 1 now; it cannot change"),
        ("budget.time=9m", "budget.time was '10m' .* and is '9m' now; it can only be raised"),
        ("budget.disk=500MB", "can only be raised"),
        ("budget.epochs=4", "budget.epochs was not set .* and is 4 now; it can only be raised"),
        ("limit=4", "limit was 5 .* can only be raised"),
        ("names=[a]", r"names was \['a', 'b'\] .* can only grow"),
    ],
)
def test_what_may_not(change, how):
    with pytest.raises(ConfigError, match=how):
        Some().check_resume(Some().replace([change]))


def test_the_first_pattern_that_fits_decides():
    old = SearchSettings.from_dict({"budget": {"epochs": 4}})
    old.check_resume(old.replace(["executor.workers=3"]))
    with pytest.raises(ConfigError, match=r"executor\.storage was not set"):
        old.check_resume(old.replace(["executor.storage=/elsewhere"]))


def test_changes_written_into_the_old_settings_give_the_new_ones():
    old = SearchSettings.from_dict({"budget": {"epochs": 4}})
    new = old.replace(["budget.epochs=9", "executor.per_level={2: {cpus: 2}}", "pyramid.candidates=30", "name=x"])
    changes = old.changes(new)
    assert changes == {
        "budget.epochs": 9,
        "executor.per_level": new.to_dict()["executor"]["per_level"],
        "name": "x",
    } | {"pyramid.candidates": 30}
    assert SearchSettings.from_dict(with_changes(old.to_dict(), changes)) == new
    assert by_name({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c": {"d": 2}, "e": 3}


@pytest.mark.parametrize("workflow", HOMES)
def test_the_schema_says_what_every_setting_of_a_workflow_means(workflow):
    kind = run_class(workflow).SETTINGS
    schema = kind.model_json_schema()
    sections = {"": schema, **schema["$defs"]}
    for section, below in sections.items():
        assert below["description"]
        for name, field in below["properties"].items():
            assert len(field.get("description", "")) > 5, f"{section}.{name} has no description"
    written = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    assert written == kind.model_construct().to_dict()


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (RetrainSettings, {"space": {}}, "train is .*; it must be a section of 'key: value' lines"),
        (SearchSettings, {"seeding": {"proxies": 3}}, r"must be a list of names; write for example \[synflow, nwot\]"),
        (CompareSettings, {"methods": 3}, r"must be a list of names; write for example \[ranknosh, random\]"),
    ],
)
def test_a_message_says_what_to_write(kind, data, text):
    with pytest.raises(ConfigError, match=text):
        kind.from_dict(data)


def test_what_is_wrong_is_one_error_without_another_above_it():
    with pytest.raises(ConfigError) as refused:
        SearchSettings.from_dict({"budget": {"epochs": 9}, "train": {"lr": -1}})
    assert (refused.value.__cause__, refused.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("\ud800", "has half a letter in it"),
        (float("nan"), "is nan, no number"),
        (float("-inf"), "is -inf, no number"),
        (10**5_000, "is a number of more than 300 digits"),
    ],
    ids=["surrogate", "nan", "inf", "huge"],
)
def test_what_no_journal_can_hold_is_refused_wherever_it_stands(value, why):
    plain = {"data": {"name": "digits"}, "budget": {"epochs": 20}}
    for given, name in (
        ({"seed": value}, "seed"),
        ({"space": {"name": "flat", "parameters": {"a": [1, value]}}}, "space.parameters.a.1"),
        ({"predictor": {"name": "kernel", "options": {"a": value}}}, "predictor.options.a"),
    ):
        with pytest.raises(ConfigError, match=f"^here: {name} {why}"):
            SearchSettings.from_dict({**plain, **given}, "here")


@pytest.mark.parametrize(
    ("workflow", "section", "key"),
    [
        *((name, {"data": {"folder": "there"}}, "data.folder") for name in HOMES if name not in ("retrain", "finals")),
        ("search", {"data": {"npz": "there"}}, "data.npz"),
        ("search", {"data": {"name": "svhn", "root": "there"}}, "data.root"),
        ("search", {"costs": {"energy": {"table": "there"}}}, "costs.energy"),
        ("search", {"executor": {"storage": "new"}}, "executor.storage"),
        *((name, {"table": "there"}, "table") for name in ("supernet", "score", "compare")),
        ("score", {"csv": "new.csv"}, "csv"),
        ("score", {"audit": "there"}, "audit"),
    ],
)
def test_a_relative_path_is_seen_from_the_folder_it_was_given_in(workflow, section, key, tmp_path):
    needed = {"budget": {"device_time": "1h"}} if workflow in ("search", "compare", "bank") else {}
    settings = run_class(workflow).SETTINGS.from_dict({**needed, **section})
    (tmp_path / "first" / "there").mkdir(parents=True)
    there = by_name(settings.seen_from(str(tmp_path / "first")).to_dict())[key]
    told = there["table"] if isinstance(there, dict) else there
    assert told.startswith(str(tmp_path / "first"))
    assert settings.seen_from(str(tmp_path / "gone")) == settings
    again = settings.seen_from(str(tmp_path / "first"))
    assert again.seen_from(str(tmp_path)) == again


@pytest.mark.parametrize("place", ["s3://bucket/runs", "file:///shared/runs"])
def test_a_url_is_no_relative_path(place, tmp_path):
    settings = SearchSettings.from_dict({**ENDS, "executor": {"storage": place}})
    assert settings.seen_from(str(tmp_path)) == settings


def test_published_sets_lie_in_a_folder_that_is_seen_from_elsewhere_too(tmp_path):
    (tmp_path / "data").mkdir()
    for name, root in (("cifar10", str(tmp_path / "data")), ("digits", None)):
        settings = SearchSettings.from_dict({**ENDS, "data": {"name": name}})
        assert settings.seen_from(str(tmp_path)).data.root == root
