import json
import math
import types
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.packages import (
    Candidate,
    Column,
    Findings,
    Histogram,
    Moderator,
    Overlap,
    RuleWords,
    findings_from_json,
    findings_to_json,
    from_json,
    to_json,
)
from alleviate.terms.errors import PackageError
from alleviate.terms.estimates import Estimate

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**63 - 1)
words = st.text(max_size=8)
estimates = st.tuples(numbers, numbers, numbers).map(sorted).map(lambda x: Estimate(x[1], x[0], x[2]))
histograms = st.lists(numbers, min_size=1, max_size=4).map(
    lambda edges: Histogram(tuple(edges), tuple(range(len(edges) - 1)))
)


def mappings(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.dictionaries(words, values, max_size=3)


def several(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(values, max_size=2).map(tuple)


trees = st.recursive(
    st.fixed_dictionaries({"arm": words, "n": counts, "benefit": numbers}),
    lambda branch: st.fixed_dictionaries({"feature": words, "test": words, "yes": branch, "no": branch}),
    max_leaves=4,
)

findings = st.builds(
    Findings,
    n=counts,
    n_read=counts,
    arms=mappings(counts),
    missing_outcome=mappings(counts),
    outcome=mappings(st.none() | st.booleans() | numbers | words),
    usual=st.none() | words,
    assignment=words,
    verdict=st.sampled_from(["personalise", "one-for-all", "equipoise"]),
    reason=words,
    best_arm=words,
    rule=st.builds(RuleWords, words, words, several(words), st.none() | trees),
    value=mappings(estimates),
    gain=mappings(estimates),
    contrasts=mappings(estimates),
    share_per_arm=mappings(numbers),
    share_abstained=numbers,
    strengths=mappings(numbers),
    benefit=mappings(histograms),
    heterogeneity=mappings(numbers),
    candidates=several(st.builds(Candidate, words, words, estimates, numbers)),
    moderators=several(st.builds(Moderator, words, words, words, words, words, estimates)),
    columns=several(st.builds(Column, words, words, words, counts, mappings(words))),
    dropped=mappings(words),
    overlap=st.builds(Overlap, words, words, numbers, counts, mappings(histograms)),
    warnings=several(words),
    folds=counts,
    repeats=counts,
    seed=st.integers(-(2**63), 2**63 - 1),
    fingerprint=words,
    versions=mappings(words),
)


@given(findings)
@settings(max_examples=100, deadline=None)
def test_findings_come_back_as_they_were(original: Findings) -> None:
    back = findings_from_json(findings_to_json(original))
    assert back == original
    for field in ("arms", "share_per_arm", "value"):
        assert list(getattr(back, field)) == list(getattr(original, field)), "arms stay in study order"
    assert list(json.loads(findings_to_json(original))) == [field.name for field in fields(Findings)]


@given(findings, st.sampled_from([math.nan, math.inf, -math.inf]))
@settings(max_examples=10, deadline=None)
def test_findings_with_no_number_are_refused(original: Findings, hole: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        findings_to_json(replace(original, share_abstained=hole))


@given(numbers)
def test_a_float_comes_back_to_the_last_bit(x: float) -> None:
    back = from_json(to_json(x), float)
    assert (back, math.copysign(1, back)) == (x, math.copysign(1, x))


def test_keys_are_sorted_unless_their_order_means_something() -> None:
    assert to_json({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}\n'.encode()
    assert to_json({"b": 1, "a": (0.1, None)}, sort=False) == b'{"b":1,"a":[0.1,null]}\n'


def test_numbers_of_numpy_and_read_only_mappings_are_written_as_their_plain_kin() -> None:
    mixed = types.MappingProxyType({"n": np.int64(3), "x": np.float64(0.1)})
    assert to_json(mixed) == b'{"n":3,"x":0.1}\n'


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        to_json({"z": 1j})
    with pytest.raises(ValueError, match="surrogates"):
        to_json("\ud800")


@dataclass(frozen=True, slots=True)
class Cut:
    feature: str
    at: float


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "truncated"),
        (b'{"feature":"age"}', "`at`"),
        (b'{"feature":"age","at":"40"}', "Expected `float`, got `str`"),
        (b'{"feature":"age","at":NaN}', "malformed"),
        (b'{"feature":"\xff","at":1}', "utf-8"),
    ],
)
def test_json_of_another_shape_is_refused_in_one_line(raw: bytes, why: str) -> None:
    with pytest.raises(PackageError) as caught:
        from_json(raw, Cut, name="model.json")
    assert caught.value.message.startswith("model.json is not what this version of Alleviate expects:")
    assert why in caught.value.message
    assert "\n" not in str(caught.value)
