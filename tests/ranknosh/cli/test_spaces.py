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
    smaller = json.loads(cli("space", "show", GOOD, "--channels", "8", "--cells", "1", "--json").out)
    assert smaller["params"] < row["params"] / 10
    text = cli("space", "show", GOOD).out
    assert "1,288,506" in text
    assert "multiply-accumulates" in text


def test_sample_is_seeded_and_parses_back(cli):
    first = cli("space", "sample", "-n", "4", "--seed", "3").out
    assert cli("space", "sample", "-n", "4", "--seed", "3").out == first
    assert cli("space", "sample", "-n", "4", "--seed", "4").out != first
    assert cli("space", "check", *first.split()).code == 0


def test_check_tells_good_dead_and_wrong_apart(cli):
    ended = cli("space", "check", GOOD, DEAD, "|conv~0|")
    assert ended.code == 2
    lines = ended.out.splitlines()
    assert len(lines) == 2
    assert "cannot learn" not in lines[0]
    assert "cannot learn" in lines[1]
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    rows = json.loads(cli("space", "check", GOOD, DEAD, "|conv~0|", "--json").out)
    assert [row["ok"] for row in rows] == [True, True, False]


def test_an_unknown_space_is_2(cli):
    ended = cli("space", "count", "--space", "nasbench")
    assert ended.code == 2
    assert "nasbench201" in ended.err
