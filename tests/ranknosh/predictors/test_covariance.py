from itertools import product

import numpy as np
import pytest

from ranknosh.predictors.covariance import SlotTables

CODES = np.array(list(product(range(2), range(3), range(2))), dtype=np.int64)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_the_tables_have_the_covariance_of_the_kernel(degree: int) -> None:
    """Two architectures share an entry for every subset of slots they match on: the shared variance is their covariance."""
    tables = SlotTables((2, 3, 2), degree)
    places = tables.places(CODES)
    shared = (places[:, :, None] == places[:, None, :]) * tables.variance[places][:, :, None]
    matches = (CODES[:, None, :] == CODES[None, :, :]).sum(axis=2)
    np.testing.assert_allclose(shared.sum(axis=0), ((1 + matches) / 4.0) ** degree, atol=1e-12)


def test_every_table_is_used_to_its_last_entry() -> None:
    tables = SlotTables((2, 3, 2), 3)
    assert tables.total == 1 + (2 + 3 + 2) + (6 + 4 + 6) + 12
    assert np.unique(tables.places(CODES)).tolist() == list(range(tables.total))


def test_gather_is_the_transpose_of_read() -> None:
    tables, rng = SlotTables((2, 3, 2), 3), np.random.default_rng(0)
    places, table, values = tables.places(CODES), rng.normal(size=tables.total), rng.normal(size=len(CODES))
    assert np.isclose(tables.read(table, places) @ values, table @ tables.gather(values, places))


def test_places_are_mixed_radix_numbers_of_the_options_of_each_subset() -> None:
    tables = SlotTables((2, 3, 2), 2)
    assert tables.subsets == [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    # Offsets 0, 1, 3, 6, 8, 14, 18; of code (1, 2, 0) the pairs are 1*3+2, 1*2+0 and 2*2+0.
    assert tables.places(np.array([[1, 2, 0]]))[:, 0].tolist() == [0, 2, 5, 6, 8 + 5, 14 + 2, 18 + 4]
