"""Texts of inverted residual networks by hand: ranknosh/spaces/mobile_text.py"""

import pytest

from ranknosh.spaces import mobile_text

TEXT = "r0.5 | w1.25 se k3e6 k5e3 | w1 k7e4"
CONFIG = {
    "resolution": 0.5,
    "stage1.width": 1.25,
    "stage1.squeeze": True,
    "stage1.depth": 2,
    "stage1.layer1.kernel": 3,
    "stage1.layer1.expansion": 6,
    "stage1.layer2.kernel": 5,
    "stage1.layer2.expansion": 3,
    "stage2.width": 1.0,
    "stage2.squeeze": False,
    "stage2.depth": 1,
    "stage2.layer1.kernel": 7,
    "stage2.layer1.expansion": 4,
}


def test_writing_and_reading():
    assert mobile_text.write(0.5, [(1.25, True, [(3, 6), (5, 3)]), (1.0, False, [(7, 4)])]) == TEXT
    assert mobile_text.read(TEXT, 2) == CONFIG
    assert mobile_text.read("r.5|w1.25 se k3e6  k5e3|w1 k7e4", 2) == CONFIG


def test_the_options_of_a_text():
    assert mobile_text.options(CONFIG) == {
        "resolutions": (0.5,),
        "widths": (1.0, 1.25),
        "squeeze": (False, True),
        "depths": (1, 2),
        "kernels": (3, 5, 7),
        "expansions": (3, 4, 6),
    }


@pytest.mark.parametrize(
    "text", [TEXT.replace("se ", "se se "), TEXT.replace("k7e4", "k7e4 se"), TEXT.replace("w1 ", "w ")]
)
def test_a_text_of_another_form_is_refused(text):
    with pytest.raises(ValueError, match="is not of the form"):
        mobile_text.read(text, 2)
