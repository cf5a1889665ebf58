"""What a config accepts, what it refuses and how it says so, and the way through ``--set`` and back to a file."""

import re
from pathlib import Path
from typing import get_args

import pytest

from ranknosh.config import fields as config_fields
from ranknosh.config.search import SearchSettings
from ranknosh.config.sections import ProposeConfig
from ranknosh.errors import ConfigError

ROOT = Path(__file__).parents[3]
STOP = "budget: {epochs: 9}\n"


def write(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    return path


def refused(tmp_path, text, *overrides):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        SearchSettings.load(path, overrides)
    assert caught.value.exit_code == 2
    return str(caught.value).replace(str(path), "FILE")


def accepted(tmp_path, text, *overrides):
    return SearchSettings.load(write(tmp_path, text), overrides)


def test_defaults_are_filled_in(tmp_path):
    config = accepted(tmp_path, STOP)
    assert config.data.name == "cluttered_digits"
    assert config.pyramid.epochs == (1, 2, 4, 8)
    assert config.pyramid.ratio == "auto"
    assert config.seeding.proxies == ("synflow", "nwot")
    assert config.budget.epochs == 9
    assert config.budget.time is None


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10m", 600), ("6h", 21600), ("90s", 90), ("1h30m", 5400), ("1 h 30 min", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_durations(tmp_path, written, seconds):
    assert accepted(tmp_path, f"budget: {{time: {written}}}").budget.time == seconds


@pytest.mark.parametrize(("written", "seconds"), [("2gpuh", 7200), ("30gpum", 1800), ("1.5 gpuh", 5400), ("2h", 7200)])
def test_device_time(tmp_path, written, seconds):
    assert accepted(tmp_path, f"budget: {{device_time: {written}}}").budget.device_time == seconds


@pytest.mark.parametrize(
    ("written", "size"), [("10GB", 10**10), ("500MB", 5 * 10**8), ("4GiB", 2**32), ("1.5kb", 1500)]
)
def test_sizes(tmp_path, written, size):
    assert accepted(tmp_path, f"budget: {{epochs: 1, disk: {written}}}").budget.disk == size


@pytest.mark.parametrize(
    "written", ["10", "0GB", "-5MB", "10x", "GB", "true", "[1GB]", "'10,5GB'", "5GB!", "1 2GB", "8kbit"]
)
def test_a_size_that_is_not_wholly_understood_is_refused(tmp_path, written):
    text = refused(tmp_path, f"budget:\n  epochs: 1\n  disk: {written}\n")
    assert text.startswith("FILE, line 3: budget.disk is ")
    assert "500MB or 10GB" in text


@pytest.mark.parametrize("written", ["10", "0s", "-5m", "10x", "h", "true", "[1h]"])
def test_a_duration_without_its_unit_is_refused(tmp_path, written):
    text = refused(tmp_path, f"budget:\n  time: {written}\n")
    assert text.startswith("FILE, line 2: budget.time is ")
    assert "1h30m" in text


def test_yaml_words_of_version_1_1_mean_what_they_say(tmp_path):
    config = accepted(tmp_path, STOP + "train: {amp: off, nesterov: on, lr: 1e-2}\ndata: {name: digits, download: no}")
    assert config.train.amp == "off"
    assert config.train.nesterov is True
    assert config.train.lr == 0.01
    assert config.data.download is False
    assert SearchSettings.from_dict({"train": {"amp": False}, "budget": {"epochs": 1}}).train.amp == "off"


@pytest.mark.parametrize(
    ("section", "needle"),
    [
        ("pyramid:\n  intial: 3", "line 3: pyramid.intial is not a setting; did you mean pyramid.initial?"),
        ("lr: 0.1", "line 2: lr is not a setting; did you mean train.lr?"),
        ("trian: {}", "line 2: trian is not a setting; did you mean train?"),
        ("train: {params: 5}", "train.params is not a setting; 'train' has: batch, lr"),
        ("constraint: {}", "constraint is not a setting; did you mean constraints?"),
        ("restraints: {}", "restraints is not a setting; there are: seed, name"),
        ("train:\n  batch: large", "line 3: train.batch is 'large'; it must be a whole number, at least 1"),
        ("train:\n  batch: 2.5", "line 3: train.batch is 2.5"),
        ("train:\n  batch: true", "line 3: train.batch is true"),
        ("train:\n  lr: '0.1'", "line 3: train.lr is '0.1'; it must be a number, above 0; write for example 0.1"),
        ("train: {lr: .nan}", "line 2: train.lr is nan"),
        ("train: {momentum: 1}", "it must be a number, at least 0 and below 1"),
        ("train: {augment: crop}", "did you mean crop_flip?"),
        ("train: {device: gpu}", "cuda:0"),
        ("train: {nesterov: maybe}", "it must be true or false"),
        ("train: 3", "train is 3; it must be a section"),
        ("pyramid: {ratio: 1.5}", "line 2: pyramid.ratio is 1.5; it must be auto, a share between 0 and 1"),
        ("pyramid: {ratio: 0}", "pyramid.ratio is 0"),
        ("pyramid: {ratio: [0.5, 0.5, 1]}", "pyramid.ratio is [0.5, 0.5, 1]"),
        ("pyramid:\n  ratio: [0.5]", "line 3: pyramid.ratio lists 1 shares, but 4 levels have 3 steps up"),
        ("pyramid: {epochs: [1, 3, 3]}", "(3 comes after 3)"),
        ("pyramid: {epochs: [0, 3]}", "(0 is not such a number)"),
        ("pyramid: {epochs: []}", "pyramid.epochs is []"),
        ("pyramid: {epochs: 8}", "pyramid.epochs is 8"),
        ("pyramid: {initial: 0}", "it must be a whole number, at least 1"),
        ("pyramid: {batch: 0}", "it must be a whole number, at least 1"),
        ("pyramid: {candidates: 0}", "it must be a whole number, at least 1"),
        ("seeding: {draw: 5}", "line 2: seeding.draw is 5, fewer than the 12 of pyramid.initial"),
        ("seeding: {proxies: [synflo]}", "did you mean synflow?"),
        ("seeding: {proxies: [nwot, nwot]}", "must name each proxy once"),
        ("seeding: {combine: product}", "it must be one of rank_mean, log_rank_product, vote"),
        ("seeding: {follow: 1.5}", "seeding.follow is 1.5; it must be a number, at least 0 and at most 1"),
        ("predictor: {name: xgboost}", "known are auto, linear"),
        ("predictor: {near_tie: -0.1}", "at least 0"),
        ("propose: {exploration: 1.1}", "at most 1"),
        ("data: {name: digts}", "did you mean digits?"),
        ("data: {name: digits, folder: x}", "name and folder are given"),
        ("data:\n  limit: 100", "none is given"),
        ("data: {name: digits, validation: 0.5, test: 0.5}", "leaves nothing to train on"),
        ("train: {metric: ema_loss}", "no averaged weights are kept"),
        ("train: {warmup_epochs: 8}", "train.warmup_epochs is 8"),
        ("name: ../elsewhere", "name is '../elsewhere'"),
        ("seed: -1", "seed is -1"),
        (
            "executor: {name: rey}",
            "unknown executor 'rey'; known are inline, ray, command, evaluate, ask; did you mean ray?",
        ),
        ("executor: {adress: auto}", "did you mean executor.address?"),
        ("executor: {address: 3}", "executor.address is 3"),
        ("executor: {deadline: 5}", "executor.deadline is 5; it must be a duration above 0 with its unit"),
        ("executor: {workers: 0}", "executor.workers is 0"),
        ("executor: {gpus_per_trial: -1}", "executor.gpus_per_trial is -1"),
        ("executor: {per_level: {9: {gpus: 1}}}", "executor.per_level names level 9, but pyramid.epochs has 4"),
        ("executor: {per_level: {2: {gpu: 1}}}", "did you mean executor.per_level.LEVEL.gpus?"),
        ("pyramid: {overlap: 0}", "pyramid.overlap is 0"),
        ("pyramid: {overlap: 2, schedule: eager}", "pyramid.overlap is 2, which counts the batches"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line_and_rule(tmp_path, section, needle):
    text = refused(tmp_path, STOP + section + "\n")
    assert text.startswith("FILE, line ")
    assert needle in text
    assert "\n" not in text


def test_all_wrong_settings_are_named_at_once(tmp_path):
    text = refused(tmp_path, "seed: x\ntrain:\n  lr: fast\nbudget: {epochs: 3}\n", "pyramid.batch=no")
    lines = text.split("\n")
    assert lines[0] == "3 settings are wrong:"
    assert {line.strip().partition(": ")[0] for line in lines[1:]} == {
        "FILE, line 1",
        "FILE, line 3",
        "--set pyramid.batch=no",
    }


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("", "FILE is empty"),
        ("# nothing\n", "FILE is empty"),
        ("- a\n", "this is a list"),
        ("hello\n", "this is the text 'hello'"),
        ("train: {lr: 1\nbudget: 3", "FILE, line 2, column 7: not valid YAML"),
        ("a:\n\tb: 1\n", "FILE, line 2"),
        ("seed: 1\nbudget: {epochs: 1}\nseed: 2\n", "line 3: seed is given twice (first on line 1)"),
        ("a: &x [*x]\n", "nested too deeply, or without end by an alias"),
        ("a: !!python/object:os.system {}\n", "FILE, line 1"),
    ],
)
def test_a_file_that_is_no_config(tmp_path, text, needle):
    assert needle in refused(tmp_path, text)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="no such config file"):
        SearchSettings.load(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        SearchSettings.load(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        SearchSettings.load(tmp_path / "b.yaml")


def test_a_search_without_an_end_is_refused(tmp_path):
    assert "nothing ends this search" in refused(tmp_path, "seed: 1\n")
    for stop in ("pyramid: {candidates: 3}", "budget: {time: 1m}", "budget: {device_time: 1m}", "budget: {epochs: 0}"):
        accepted(tmp_path, stop)


def test_overrides_win_and_are_read_as_yaml(tmp_path):
    config = accepted(
        tmp_path,
        STOP + "pyramid: {ratio: 0.5}\ndata: {name: cluttered_digits}\n",
        "pyramid.ratio=0.3",
        "pyramid.epochs=[2, 4]",
        "train.amp=off",
        "budget.epochs=",
        "pyramid.candidates=7",
        "data.options.clutter=3",
    )
    assert config.pyramid.ratio == 0.3
    assert config.pyramid.epochs == (2, 4)
    assert config.train.amp == "off"
    assert config.budget.epochs is None
    assert config.data.options == {"clutter": 3}


@pytest.mark.parametrize(
    ("override", "needle"),
    [
        ("pyramid.ratio=1.5", "--set pyramid.ratio=1.5: pyramid.ratio is 1.5; it must be auto"),
        ("pyramid.raito=0.5", "--set pyramid.raito=0.5: pyramid.raito is not a setting; did you mean pyramid.ratio?"),
        ("pyramid.ratio", "a setting has the form KEY=VALUE"),
        ("=3", "a setting has the form KEY=VALUE"),
        ("space.channels=100000000", "channels is 100000000; it is a whole number, from 1 to 16384"),
        ("space.channel=3", "no setting 'channel'"),
        ("name=a/b", "it must begin with a letter or a digit and hold only those, '.', '_' and '-', such as my-run"),
        (f"name={'a' * 150}/", "it must begin with a letter or a digit"),
        ("seed=[1", "not valid YAML"),
    ],
)
def test_a_wrong_override_is_quoted(tmp_path, override, needle):
    text = refused(tmp_path, STOP, override)
    assert text.startswith(f"--set {override}: ")
    assert needle in text


@pytest.mark.parametrize(("setting", "most"), [("name", 200), ("out", 3000)])
def test_a_text_that_is_too_long_is_shown_in_part_with_how_long_it_may_be(tmp_path, setting, most):
    text = refused(tmp_path, STOP, f"{setting}={'a' * 5000}")
    assert f"it must be text of at most {most} letters" in text
    assert len(text) < 400


def test_what_breaks_a_rule_of_the_space_is_quoted_and_not_the_section(tmp_path):
    text = STOP + "space:\n  name: nasbench201\n  cells: "
    assert refused(tmp_path, f"{text}0\n", "space.channels=8").startswith("FILE, line 4: cells is 0")
    assert refused(tmp_path, f"{text}1\n", "space.channels=0").startswith("--set space.channels=0: channels is 0")


def test_an_override_takes_the_place_of_the_lines_of_the_file(tmp_path):
    text = STOP + "train: {lr: fast}\n"
    assert refused(tmp_path, text, "train={lr: slow}").startswith("--set train={lr: slow}: train.lr is 'slow'")
    assert refused(tmp_path, text, "train.batch=8").startswith("FILE, line 2: train.lr is 'fast'")
    assert refused(tmp_path, STOP, "data.limit=9").startswith("--set data.limit=9: exactly one of")
    assert refused(tmp_path, "seed: 1\n").startswith("FILE: nothing ends this search")


def test_a_source_on_the_command_line_takes_the_place_of_the_files_source(tmp_path):
    text = STOP + "data: {name: cluttered_digits, validation: 0.3, options: {clutter: 2}}\n"
    data = accepted(tmp_path, text, "data.folder=/images").data
    assert (data.name, data.folder, data.options, data.validation) == (None, "/images", {}, 0.3)
    data = accepted(tmp_path, text, "data.options.clutter=5", "data.name=digits").data
    assert (data.name, data.options) == ("digits", {"clutter": 5})
    assert "folder and npz are given" in refused(tmp_path, text, "data.folder=a", "data.npz=b")


@pytest.mark.parametrize(
    "text",
    [
        STOP,
        "budget: {time: 1h30m, device_time: 2gpuh, disk: 10GB, epochs: 0}\npyramid: {ratio: [0.5, 0.2, 0.25], candidates: 3}",
        "budget: {time: 0.1s, disk: 1234567B}\ndata: {folder: a b, options: {}}\ntrain: {channels_last: yes}\nname: x",
    ],
)
def test_the_resolved_config_comes_back_equal(tmp_path, text):
    config = accepted(tmp_path, text)
    assert SearchSettings.from_dict(config.to_dict()) == config
    assert accepted(tmp_path, config.to_yaml()) == config
    assert config.replace([]) == config


def test_diff_names_what_changed(tmp_path):
    old = accepted(tmp_path, STOP + "data: {name: cluttered_digits, options: {clutter: 2}}")
    new = accepted(
        tmp_path,
        STOP + "data: {name: cluttered_digits, options: {clutter: 2}}",
        "seed=1",
        "pyramid.ratio=0.4",
        "data.options.clutter=3",
    )
    assert old.changes(old) == {}
    assert sorted(old.changes(new)) == ["data.options", "pyramid.ratio", "seed"]


def test_resume_lets_limits_rise_and_nothing_else_change(tmp_path):
    old = accepted(tmp_path, "budget: {epochs: 9, time: 1h}\npyramid: {candidates: 12}")
    for allowed in ("budget.epochs=10", "budget.epochs=", "budget.time=2h", "pyramid.candidates=13", "budget.disk="):
        old.check_resume(old.replace([allowed]))
    with pytest.raises(ConfigError, match=r"pyramid\.ratio was 'auto' .* is 0\.3 now"):
        old.check_resume(old.replace(["pyramid.ratio=0.3"]))
    for lowered in ("budget.epochs=8", "budget.time=59m", "budget.disk=1GB", "budget.device_time=1h"):
        with pytest.raises(ConfigError, match="can only be raised"):
            old.check_resume(old.replace([lowered]))


def test_the_schema_accepts_what_is_accepted_and_names_every_section():
    jsonschema = pytest.importorskip("jsonschema")
    from ranknosh.config.source import read_source

    schema = SearchSettings.model_json_schema()
    assert set(schema["properties"]) == set(SearchSettings.model_fields)
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        jsonschema.validate(read_source(path).data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"pyramid": {"ratio": 1.5}}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"pyramid": {"raito": 0.5}}, schema)


@pytest.mark.parametrize("name", ["demo", "digits", "cifar10_small", "cifar10_paper", "darts_small"])
def test_shipped_configs_load_and_fit_a_screen(name):
    path = ROOT / "configs" / f"{name}.yaml"
    needs_source = [] if name in ("demo", "digits") else ["data.folder=images.zip"]
    SearchSettings.load(path, needs_source)
    assert len(path.read_text().splitlines()) <= 50
    if needs_source:
        with pytest.raises(ConfigError, match=re.escape("--set data.folder=PATH")):
            SearchSettings.load(path)


def test_the_names_a_config_knows_are_those_that_exist():
    """The lists stand in the config so that reading one imports neither torch nor a predictor."""
    import zerocost
    from ranknosh.predictors.proposer import Acquisition
    from ranknosh.tasks.data.catalog import EMBEDDED, PUBLISHED

    assert set(config_fields.DATA_NAMES) == {*EMBEDDED, *PUBLISHED}
    assert set(config_fields.PROXIES.builtins) == set(zerocost.PROXIES)
    assert set(get_args(ProposeConfig.model_fields["acquisition"].annotation)) == set(get_args(Acquisition))
