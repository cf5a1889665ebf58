import pytest

from ranknosh.export.writing.text import WIDTH, Hole, call, filled, joined, laid_out, literal, name_of, plain


def test_numbers_are_filled_in_and_left_out_at_their_default():
    text = ("f(", Hole(3, "c_in"), Hole(1, "stride", ", stride=", 1), Hole(0, "padding", ", padding=", 1), ")")
    assert filled(text, {}) == "f(3, padding=0)"
    assert filled(text, {0: "c_in", 1: "stride"}) == "f(c_in, stride=stride, padding=0)"


def test_long_lines_are_broken_from_the_outside_in():
    inner = call("inner", [(f"argument_{number}",) for number in range(8)])
    line = filled(joined("x = ", call("outer", [inner, ("y",), inner])), {})
    lines = laid_out(line, 4)
    assert lines[0] == "    x = outer("
    assert lines[-1] == "    )"
    assert all(len(each) <= WIDTH for each in lines)
    assert "        y," in lines
    assert eval_ready(lines) == plain(line).replace(" ", "").replace(",)", ")")


def eval_ready(lines):
    return "".join(lines).replace(" ", "").replace(",)", ")")


def test_a_short_line_stays_one():
    assert laid_out(filled(call("f", [("a",), ("b",)]), {}), 0) == ["f(a, b)"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(slice(None, 3), ":3"), (slice(None, None, 2), "::2"), (slice(1, None), "1:"), ("a", '"a"'), ((1, 2), "(1, 2)")],
)
def test_literals(value, text):
    assert literal(value) == text


@pytest.mark.parametrize(
    ("roles", "name"),
    [
        (["in_channels"], "c_in"),
        (["out_channels", "num_features"], "c_out"),
        (["in_channels", "out_channels", "groups"], "channels"),
        (["groups"], "groups"),
        (["stride"], "stride"),
    ],
)
def test_names_of_arguments(roles, name):
    assert name_of(roles) == name
