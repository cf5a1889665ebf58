"""ranknosh/spaces/signature.py"""

import pytest

from ranknosh.errors import SpaceError
from ranknosh.spaces.signature import Signature


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        (((3, 0, 8), (2,)), "every size is a whole number"),
        (((3,), (2,), "int64"), "have a vocabulary"),
        (((3,), (2,), "float32", 9), "numbers are float32 and have none"),
    ],
)
def test_a_signature_that_is_none_is_refused(signature, message):
    with pytest.raises(SpaceError, match=message):
        Signature(*signature)


def test_a_signature_says_what_it_has_no_network_for():
    images = Signature((3, 8, 6), (10,))
    assert images.images("s") == (3, 8, 6)
    assert images.classes("s") == 10
    with pytest.raises(SpaceError, match=r"s builds networks for inputs \(C, H, W\)"):
        Signature((5,), (2,)).images("s")
    with pytest.raises(SpaceError, match=r"asks for \(2, 8, 8\)"):
        Signature((3, 8, 8), (2, 8, 8)).classes("s")
