"""Frozen results of supernet methods: what every epoch would derive, losses and alphas, as text under ``supernets/``."""

import pytest

from tests.golden import files
from tests.golden.trainings import SUPERNETS, machine, one_thread

SAME = machine() == files.read(*files.MACHINE)


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_method_gives_its_golden_alphas(name):
    with one_thread():
        files.check("supernets", name, SUPERNETS[name](), exact=SAME)


def test_every_golden_file_has_its_method():
    assert {path.stem for path in (files.FOLDER / "supernets").iterdir()} == set(SUPERNETS)
