"""The share that an interval covers lies within its own interval, for every number of people."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alleviate.models.prognosis.coverage import covered
from alleviate.terms.estimates import Estimate


def test_everybody_or_nobody_covered_is_within_its_interval() -> None:
    """Rounding once put the upper end below a share of 1, and no report could be written."""
    for n in range(1, 400):
        for held in (np.ones(n, dtype=bool), np.zeros(n, dtype=bool)):
            (found,) = covered(held, np.ones(n))
            Estimate(found.share, found.low, found.high)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 50)), min_size=1, max_size=60))
def test_so_it_is_with_weights(people: list[tuple[bool, float]]) -> None:
    held, weight = (np.array(part) for part in zip(*people, strict=True))
    (found,) = covered(held, weight)
    assert 0 <= found.low <= found.share <= found.high <= 1
