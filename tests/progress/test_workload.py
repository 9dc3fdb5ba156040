"""Alerts per 100 patients: what was expected, and what happened."""

import numpy as np
import pytest

from alleviate.progress.workload import bookkeeping, expected_workload
from alleviate.terms.errors import DataError

RISK = np.array([0.9, 0.6, 0.3, 0.1, 0.1])
ALERTED = RISK > 0.5


def test_by_hand() -> None:
    found = expected_workload(RISK, ALERTED)
    assert (found.n, found.alerts) == (5, 40)
    assert found.hits == pytest.approx(30)
    assert found.false_alarms == pytest.approx(10)
    assert found.misses == pytest.approx(10)
    assert found.predictive_value == pytest.approx(0.75)


def test_what_happened_beside_what_was_expected_open_ones_apart() -> None:
    book = bookkeeping(RISK, ALERTED, np.array([1.0, 0.0, 1.0, 0.0, np.nan]))
    assert (book.open, book.expected.n, book.happened.n) == (1, 4, 4)
    assert (book.happened.alerts, book.happened.hits, book.happened.misses) == (50, 25, 25)
    assert book.expected.hits == pytest.approx(37.5)
    assert book.surprise == pytest.approx((2 - 1.9) / np.sqrt(0.09 + 0.24 + 0.21 + 0.09))


def test_where_the_predictions_are_true_the_books_balance() -> None:
    rng = np.random.default_rng(10_200)
    risk = rng.beta(2, 3, 20_000)
    outcome = (rng.random(20_000) < risk).astype(float)
    book = bookkeeping(risk, risk > 0.6, outcome)
    assert abs(book.surprise) < 3
    for name in ("alerts", "hits", "false_alarms", "misses"):
        assert getattr(book.happened, name) == pytest.approx(getattr(book.expected, name), abs=1)


def test_nobody_and_no_alert() -> None:
    none = bookkeeping(np.zeros(2), np.zeros(2, bool), np.zeros(2))
    assert np.isnan(none.surprise)
    assert np.isnan(none.expected.predictive_value)
    assert np.isnan(bookkeeping(np.empty(0), np.empty(0, bool), np.empty(0)).happened.alerts)


@pytest.mark.parametrize(
    ("risk", "alerted", "outcome", "message"),
    [
        (np.array([1.1]), np.array([True]), np.array([1.0]), "from 0 to 1"),
        (np.array([np.nan]), np.array([True]), np.array([1.0]), "from 0 to 1"),
        (np.array([0.5]), np.array([1]), np.array([1.0]), "true or false"),
        (np.array([0.5]), np.array([True, True]), np.array([1.0]), "true or false"),
        (np.array([0.5]), np.array([True]), np.array([2.0]), "0, 1 or NaN"),
        (np.array([0.5]), np.array([True]), np.array([1.0, 0.0]), "0, 1 or NaN"),
    ],
)
def test_bad_input(risk, alerted, outcome, message) -> None:
    with pytest.raises(DataError, match=message):
        bookkeeping(risk, alerted, outcome)
