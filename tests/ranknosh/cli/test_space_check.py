"""``space check``: own and built-in spaces, shown and refused."""

import json
import re

import pytest
from torch import nn

from ranknosh.spaces import Choice, Space

DEEP = ("space", "check", "tests.module_nets:Deep", "--inputs", "3x8x8", "--outputs", "5", "-n", "6")


def test_a_space_of_ones_own_is_shown(cli):
    ended = cli(*DEEP)
    assert ended.code == 0
    for text in (
        "architectures  168",
        "8, conditions 2 deep",
        "3 of 3 one_of have branches of one shape",
        'block1.kernel  choice  1, 3              block1.op is "conv"',
    ):
        assert text in ended.out
    row = json.loads(cli(*DEEP, "--json").out)
    assert (row["architectures"], row["inputs"], row["outputs"]) == (168, [3, 8, 8], [5])
    assert row["params"][0] < row["params"][1]
    assert row["macs"][0] < row["macs"][1]
    assert row["choices"][1] == {
        "name": "depth",
        "kind": "repeat",
        "options": [1, 2, 3],
        "ordered": True,
        "when": "always",
        "changes_something": True,
        "supernet": False,
        "no_supernet": None,
    }


def test_shapes_are_those_of_data_and_settings_those_of_the_space(cli):
    row = json.loads(cli("space", "check", "tests.module_nets:Deep", "--data", "digits", "-n", "3", "--json").out)
    assert (row["inputs"], row["outputs"]) == ([1, 8, 8], [10])
    words = ("space", "check", "nasbench201", "--inputs", "3x8x8", "-n", "2", "--json")
    small, large = (
        json.loads(cli(*words, "--set", f"space.channels={c}", "--set", "space.cells=1").out) for c in (2, 4)
    )
    assert large["params"][0] > 2 * small["params"][0]


def test_a_config_names_space_and_data(cli, tmp_path):
    space = "space: {name: 'tests.module_nets:Deep', groups: 2}"
    (tmp_path / "own.yaml").write_text(f"{space}\ndata: {{name: digits}}\nbudget: {{epochs: 60}}\n")
    words = ("space", "check", "--config", tmp_path / "own.yaml", "-n", 3, "--json")
    row = json.loads(cli(*words).out)
    assert (row["architectures"], row["inputs"], row["outputs"]) == (168, [1, 8, 8], [10])
    other = json.loads(cli(*words, "--set", "space.groups=1").out)
    assert other["params"][1] > row["params"][1]  # grouped convolutions have fewer weights


def test_data_stand_for_the_search_that_they_suggest(cli):
    row = json.loads(cli("space", "check", "--config", "digits", "-n", 1, "--json").out)
    assert (row["space"], row["inputs"], row["outputs"]) == ("nasbench201", [1, 8, 8], [10])


def test_samples_are_seeded(cli):
    assert cli(*DEEP).out == cli(*DEEP).out
    assert json.loads(cli(*DEEP, "--json").out)["params"] != json.loads(cli(*DEEP, "--seed", 3, "--json").out)["params"]


class Biased(Space):
    """A space that builds its networks itself."""

    name = "biased"
    choices = (Choice("bias", (False, True)),)

    def network(self, architecture, signature):
        return nn.Linear(signature.inputs[0], signature.outputs[0], bias=bool(self.chosen(architecture)[0]))


def test_a_space_that_is_a_class_is_shown(cli):
    ended = cli("space", "check", f"{__name__}:Biased", "--inputs", "6", "--outputs", "3")
    assert ended.code == 0
    assert "18 to 21 " in ended.out
    assert "bias    choice  False, True  always" in ended.out
    assert "supernet" not in ended.out


class Paired(Space):
    """Options that hold commas themselves."""

    name = "paired"
    choices = (Choice("sources", ("0,1", "0,2")),)

    def network(self, architecture, signature):
        return nn.Linear(signature.inputs[0], signature.outputs[0], bias=bool(self.chosen(architecture)[0]))


def test_options_that_hold_commas_are_told_apart(cli):
    assert "  0,1; 0,2  " in cli("space", "check", f"{__name__}:Paired", "--inputs", "6", "--outputs", "3").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tests.module_nets:forgets", "--inputs", "6", "--outputs", "3"), "forgotten does nothing"),
        (
            ("tests.module_nets:fails", "--inputs", "6", "--outputs", "3"),
            r"running fails=b .* failed: RuntimeError: mat1 and mat2",
        ),
        (("tests.module_nets:Deep", "--inputs", "3x8x8", "--outputs", "5x5"), r"makes \(2, 5\).*asks for \(2, 5, 5\)"),
        (("tests.module_nets:Deeper",), "unknown name 'Deeper'.*did you mean Deep"),
        (("tests.module_nets:SIZES",), "is dict, no space"),
        (("deep",), "unknown search space 'deep'"),
        (("tests.module_nets:Deep", "--data", "digits", "--outputs", "3"), "--data says .*leave out --outputs"),
        ((), "name a space, such as own_module:Net, or give the --config"),
        (("tests.module_nets:Deep", "--set", "channels=3"), "only settings of the space are known here"),
        (("nasbench201", "--inputs", "3,8"), "--inputs is '3,8'; give whole numbers with x between"),
    ],
)
def test_a_space_that_is_wrong_is_2_and_one_line(cli, words, message):
    ended = cli("space", "check", *words, "-n", "4")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert re.search(message, ended.err)
