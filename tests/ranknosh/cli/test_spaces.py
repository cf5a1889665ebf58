"""``space``: answers checked against the published facts of NAS-Bench-201."""

import json

GOOD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


def test_count_gives_the_published_numbers(cli):
    assert json.loads(cli("space", "count", "--json").out) == {
        "space": "nasbench201",
        "architectures": 15625,
        "different": 4930,
        "dead": 341,
    }


def test_show_counts_params_and_macs_at_the_published_size(cli):
    row = json.loads(cli("space", "show", GOOD, "--json").out)
    assert row["params"] == 1_288_506  # the benchmark holds 1.288506 M for this cell
    assert row["operations"]["nor_conv_3x3"] == 5
    assert not row["dead"]
    smaller = json.loads(
        cli("space", "show", GOOD, "--set", "space.channels=8", "--set", "space.cells=1", "--json").out
    )
    assert smaller["params"] < row["params"] / 10
    text = cli("space", "show", GOOD).out
    assert "1,288,506" in text
    assert "multiply-accumulates" in text
    assert "operations" not in cli("space", "show", "8:8:8:8:8").out  # widths are no operations


def test_sample_is_seeded_and_parses_back(cli):
    first = cli("space", "sample", "-n", "4", "--seed", "3").out
    assert cli("space", "sample", "-n", "4", "--seed", "3").out == first
    assert cli("space", "sample", "-n", "4", "--seed", "4").out != first
    assert all(cli("space", "show", architecture).code == 0 for architecture in first.split())


def test_show_tells_good_dead_and_wrong_apart(cli):
    assert "can learn     yes" in cli("space", "show", GOOD).out
    assert "every path from input to output is cut" in cli("space", "show", DEAD).out
    ended = cli("space", "show", "|conv~0|")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("error: ")


def test_show_takes_a_text_of_any_space(cli):
    assert json.loads(cli("space", "show", "resnet18", "--json").out)["space"] == "stock"
    noise, none = [("noise", 0), ("noise", 1)], [("none", 0), ("none", 1)]
    cell = f"Genotype(normal={noise}, normal_concat=[2], reduce={none}, reduce_concat=[2])"
    row = json.loads(cli("space", "show", cell, "--space", "s1", "--json").out)
    assert (row["space"], row["architecture"]) == ("darts", cell)


def test_list_has_every_space_by_its_name(cli):
    rows = {row["name"]: row for row in json.loads(cli("space", "list", "--json").out)}
    assert (
        rows["nasbench201"] | {"architectures": 15625, "settings": {"channels": 8, "cells": 1}} == rows["nasbench201"]
    )
    assert rows["darts"]["architectures"] == 1_037_664_180**2
    assert {"s1", "s2", "s3", "s4"} < rows.keys()
    assert rows["flat"]["settings"].keys() == {"parameters", "fixed", "label"}
    lines = {line.split()[0]: line.split()[1:] for line in cli("space", "list").out.splitlines()}
    assert lines["nasbench201"] == ["15,625", "channels,", "cells"]
    assert lines["darts"][0] == f"{1_037_664_180**2:,}"
    assert lines["flat"] == ["as", "set", "parameters,", "fixed,", "label"]


def test_sizes_have_every_digit(cli):
    """Floats hold 16 digits of the 19 that the pairs of DARTS cells have."""
    assert f"architectures  {1_037_664_180**2:,}\n" in cli("space", "count", "--space", "darts").out


def test_settings_come_before_the_architecture_is_read(cli):
    """A flat space is nothing without its parameters, and is called as the user calls it."""
    words = ("--space", "flat", "--set", "space.parameters={rate: [1, 2]}")
    assert "space          flat\n" in cli("space", "count", *words).out
    ended = cli("space", "show", '{"rate": 3}', *words)
    assert (ended.code, ended.err) == (2, "error: rate=3 is not in flat: rate takes 1, 2\n")
    short = cli("space", "show", "12", "--space", "chain", "--set", "space.stages=[1, 1]", "--json")
    assert json.loads(short.out)["settings"]["stages"] == [1, 1]


def test_settings_of_the_space_are_given_by_set(cli):
    text = cli("space", "sample", "-n", "1", "--space", "darts", "--set", "space.steps=2").out
    assert text.count("conv") + text.count("pool") + text.count("skip") == 8
    assert cli("space", "show", text, "--set", "space.channels=6", "--set", "space.cells=3", "--json").code == 0
    for wrong, needle in (("channels=6", "space.channels=16"), ("space.channel=6", "did you mean channels")):
        ended = cli("space", "show", GOOD, "--set", wrong)
        assert (ended.code, needle in ended.err) == (2, True)


def test_an_unknown_space_is_2(cli):
    ended = cli("space", "count", "--space", "nasbench")
    assert ended.code == 2
    assert "nasbench201" in ended.err
