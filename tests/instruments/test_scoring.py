"""Scoring form by form and table by table is the same, and for the PHQ-9 right for every form there is."""

import itertools
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alleviate.instruments import INSTRUMENTS, Instrument, score_frame
from alleviate.terms.errors import DataError

PHQ9 = INSTRUMENTS["phq9"]
IDS = [item.id for item in PHQ9.items]
FORMS = 4**9


@pytest.fixture(scope="module")
def every_form() -> np.ndarray:
    """All complete PHQ-9 forms: 262,144 by 9."""
    forms = np.indices((4,) * 9).reshape(9, -1).T
    assert forms.shape == (FORMS, 9)
    return forms


def severity(total: int) -> str:
    """The bands of Kroenke et al. (2001), written out."""
    if total <= 4:
        return "minimal"
    if total <= 9:
        return "mild"
    if total <= 14:
        return "moderate"
    return "moderately severe" if total <= 19 else "severe"


def test_every_complete_phq9_form_is_scored_right(every_form: np.ndarray) -> None:
    scores = score_frame(PHQ9, pl.DataFrame(every_form, schema=IDS))
    totals = every_form.sum(axis=1)
    assert len(np.unique(every_form, axis=0)) == len(scores) == FORMS
    assert np.array_equal(scores["total"].to_numpy(), totals)
    assert scores["severity"].to_list() == [severity(total) for total in totals]
    assert np.array_equal(scores["case"].to_numpy(), totals >= 10)
    assert scores["flags"].to_list() == [["item 9"] if form[8] >= 1 else [] for form in every_form]


def test_the_plain_way_agrees_on_a_sample_of_them(every_form: np.ndarray) -> None:
    for form in every_form[:: FORMS // 4001]:
        score = PHQ9.score(dict(zip(IDS, map(float, form), strict=True)))
        total = int(form.sum())
        assert (score.total, score.severity, score.case) == (total, severity(total), total >= 10)
        assert score.flags == (("item 9",) if form[8] else ())


def filled_in(instrument: Instrument) -> st.SearchStrategy[list[dict[str, float | str | None]]]:
    """A few forms with gaps, of people of either sex or neither."""
    answers = {
        item.id: st.none() | st.integers(int(item.low), int(item.high)) for item in instrument.items
    } | {"sex": st.sampled_from([None, "female", "male", "other", "unknown"])}
    few_gaps = st.fixed_dictionaries(
        {item.id: st.integers(int(item.low), int(item.high)) for item in instrument.items},
    ).flatmap(
        lambda form: st.lists(st.sampled_from(list(form)), max_size=3).map(
            lambda gaps: form | dict.fromkeys(gaps) | {"sex": None}
        )
    )
    return st.lists(st.fixed_dictionaries(answers) | few_gaps, min_size=1, max_size=5)


@pytest.mark.parametrize("id", INSTRUMENTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_table_is_scored_as_form_by_form(id: str, data: st.DataObject) -> None:
    instrument = INSTRUMENTS[id]
    forms = data.draw(filled_in(instrument))
    schema = {item.id: pl.Float64 for item in instrument.items} | {"sex": pl.String}
    rows = score_frame(instrument, pl.DataFrame(forms, schema=schema)).rows()
    for form, (total, severity, case, flags) in zip(forms, rows, strict=True):
        sex = form.pop("sex")
        score = instrument.score(form, sex=sex)
        assert (total, severity, case, tuple(flags)) == (score.total, score.severity, score.case, score.flags)


@pytest.mark.parametrize("id", INSTRUMENTS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_total_lies_within_what_the_answers_leave_possible(id: str, data: st.DataObject) -> None:
    instrument = INSTRUMENTS[id]
    for form in data.draw(filled_in(instrument)):
        form.pop("sex")
        total, (low, high) = instrument.score(form).total, instrument.bounds(form)
        if total is not None:
            assert low - 1e-9 <= total <= high + 1e-9
            assert low == high or instrument.score(form).imputed


def test_a_column_that_a_table_lacks_is_missing() -> None:
    frame = pl.DataFrame({"id": ["a", "b"], **{id: [1, 2] for id in IDS if id != "3"}})
    assert score_frame(PHQ9, frame)["total"].to_list() == [9.0, 18.0]
    assert score_frame(PHQ9, pl.DataFrame({"id": ["a", "b"]})).rows() == [(None, None, None, [])] * 2
    assert score_frame(PHQ9, pl.DataFrame(schema={"1": pl.Int64})).height == 0


@pytest.mark.parametrize("wrong", [4.0, -1.0, 0.5, float("nan"), float("inf")])
def test_an_impossible_answer_in_a_table_is_refused_as_in_a_form(wrong: float) -> None:
    with pytest.raises(DataError) as in_form:
        PHQ9.score({"4": wrong})
    with pytest.raises(DataError) as in_table:
        score_frame(PHQ9, pl.DataFrame({"4": [1.0, wrong]}))
    assert str(in_table.value) == str(in_form.value)


def test_a_skipped_question_counts_nothing_and_an_unasked_one_is_missing() -> None:
    audit = INSTRUMENTS["audit_c"]
    assert audit.score({"1": 0}, sex="male").total == 0
    assert audit.score({"1": 1}, sex="male").total is None


def test_a_missing_item_of_the_oq45_needs_others_of_its_subscale() -> None:
    """With the limit of four out of reach the rule cannot be applied to a subscale left out whole."""
    oq45 = INSTRUMENTS["oq45"]
    lenient = type(oq45)(
        **{f: getattr(oq45, f) for f in oq45.__struct_fields__} | {"missing": unlimited(oq45)}
    )
    role = {id for subscale in oq45.subscales if subscale.name == "social role" for id in subscale.items}
    answers = {item.id: 1 for item in oq45.items if item.id not in role}
    assert lenient.score(answers).total is None
    assert "a subscale has no answer" in lenient.score(answers).reason
    assert score_frame(lenient, pl.DataFrame([answers]))["total"].to_list() == [None]


def unlimited(instrument: Instrument) -> object:
    rule = instrument.missing
    return type(rule)(source=rule.source, most=len(instrument.items), by_subscale=rule.by_subscale)


@pytest.mark.parametrize(
    ("item", "risk"), [("4", "high"), ("5", "high"), ("6b", "high"), ("3", "moderate"), ("6", "moderate")]
)
def test_what_is_not_known_of_the_cssrs_never_lowers_the_tier(item: str, risk: str) -> None:
    cssrs = INSTRUMENTS["cssrs"]
    order = [tier.name for tier in cssrs.tiers]
    ids = [i.id for i in cssrs.items]
    for form in itertools.product((0, 1), repeat=7):
        known = dict(zip(ids, form, strict=True)) | {"2": 1, "6": 1}
        unknown: dict[str, float | None] = known | {item: None}
        before, after = (order.index(cssrs.score(answers).severity) for answers in (known, unknown))
        assert after <= min(before, order.index(risk))


Change = Callable[[str], float]


@pytest.fixture
def least() -> Change:
    def change(id: str) -> float:
        found = INSTRUMENTS[id].reliable_change
        assert found is not None
        return found.least

    return change


def test_published_changes(least: Change) -> None:
    assert [least(id) for id in ("phq9", "gad7", "pcl5", "wsas", "core10", "oq45")] == [6, 4, 10, 8, 6, 14]


def test_a_change_from_sd_and_reliability_follows_jacobson_and_truax(least: Change) -> None:
    """1.96 × 12.75 × 1.414214 × √0.07 = 1.96 × 12.75 × 1.414214 × 0.264575 = 9.3504."""
    assert least("bdi2") == pytest.approx(9.3504, abs=1e-4)
    assert least("cesd") == pytest.approx(1.96 * 8.58 * 1.414214 * 0.387298, abs=1e-4)
