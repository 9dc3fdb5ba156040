"""What holds for every instrument: a new folder passes all of this, or is not finished."""

from collections import Counter
from pathlib import Path

import pytest

import alleviate.instruments
from alleviate.instruments import (
    INSTRUMENTS,
    Instrument,
    instrument_of_panel,
    instrument_of_total,
    instruments_with_item,
)
from alleviate.terms.errors import DataError

FOLDER = Path(alleviate.instruments.__file__).parent
ALL = [pytest.param(instrument, id=id) for id, instrument in INSTRUMENTS.items()]
SUMS = [
    pytest.param(instrument, id=id) for id, instrument in INSTRUMENTS.items() if instrument.total == "sum"
]
LICENCES = {"Free": True, "Public domain": True, "Topics only": False, "Scoring only": False}
"""What a licence begins with, and whether the wording may be carried."""


def test_every_folder_is_an_instrument_and_the_named_ones_are_there() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert set(INSTRUMENTS) == folders
    assert len(INSTRUMENTS) == len(folders)
    assert folders >= {
        *("phq9", "gad7", "phq4", "wsas", "pcl5", "audit_c", "cesd", "bdi2", "hamd17"),
        *("core10", "oq45", "who5", "isi", "cssrs", "eq5d5l"),
    }


def test_there_is_no_instrument_of_another_name() -> None:
    assert "phq10" not in INSTRUMENTS
    with pytest.raises(KeyError):
        INSTRUMENTS["phq10"]


@pytest.mark.parametrize("instrument", ALL)
def test_a_folder_has_its_instrument_and_its_examples_and_nothing_else(instrument: Instrument) -> None:
    assert {path.name for path in (FOLDER / instrument.id).iterdir()} == {"instrument.toml", "examples.toml"}


@pytest.mark.parametrize("instrument", ALL)
def test_items_are_named_and_worded_only_where_the_licence_allows(instrument: Instrument) -> None:
    kind, colon, details = instrument.licence.partition(": ")
    assert kind in LICENCES
    assert colon
    assert details.endswith(".")
    assert all(item.name for item in instrument.items)
    assert {bool(item.text) for item in instrument.items} == {LICENCES[kind]}


@pytest.mark.parametrize("instrument", ALL)
def test_every_rule_has_its_source(instrument: Instrument) -> None:
    sources = [instrument.source, instrument.missing.source, *(flag.source for flag in instrument.flags)]
    sources += [instrument.caseness.source] if instrument.caseness else []
    sources += [instrument.reliable_change.source] if instrument.reliable_change else []
    assert all(len(source) > 10 for source in sources)
    assert instrument.title
    assert instrument.measures


@pytest.mark.parametrize("instrument", ALL)
def test_codes_without_loinc_are_in_our_own_vocabulary(instrument: Instrument) -> None:
    own = f"INSTRUMENT//{instrument.id}"
    for item in instrument.items:
        assert item.code.startswith("LOINC//") or item.code == f"{own}//{item.id}"
    last = {"sum": "total", "tier": "tier", "profile": "profile"}[instrument.total]
    assert instrument.total_code.startswith("LOINC//") or instrument.total_code == f"{own}//{last}"
    assert all(code.startswith("LOINC//") or code == own for code in instrument.panel_codes)


@pytest.mark.parametrize("instrument", ALL)
def test_loinc_codes_have_their_check_digit(instrument: Instrument) -> None:
    """The last digit of a LOINC code follows from the others (Luhn): most slips of the pen are seen."""
    codes = [instrument.total_code, *instrument.panel_codes]
    codes += [code for item in instrument.items for code in (item.code, *item.aliases)]
    numbers = [code.removeprefix("LOINC//") for code in codes if code.startswith("LOINC//")]
    assert [number for number in numbers if not luhn(number.replace("-", ""))] == []


def luhn(digits: str) -> bool:
    turned = [int(digit) for digit in reversed(digits)]
    return sum(turned[0::2] + [sum(divmod(2 * digit, 10)) for digit in turned[1::2]]) % 10 == 0


@pytest.mark.parametrize("instrument", ALL)
def test_the_answers_with_codes_cover_the_values_of_an_item(instrument: Instrument) -> None:
    for item in instrument.items:
        if item.answers:
            assert sorted(item.answers.values()) == list(range(int(item.low), int(item.high) + 1))


@pytest.mark.parametrize("instrument", SUMS)
def test_every_possible_total_has_one_severity(instrument: Instrument) -> None:
    low, high = instrument.range
    for total in range(int(low), int(high) + 1):
        bands = [band.name for band in instrument.bands if band.low <= total <= band.high]
        assert len(bands) == bool(instrument.bands)
        assert instrument.severity_of(total) == (bands[0] if bands else None)


@pytest.mark.parametrize("instrument", SUMS)
def test_caseness_and_change_lie_within_the_range(instrument: Instrument) -> None:
    low, high = instrument.range
    if instrument.caseness:
        assert all(
            low < cut <= high for cut in [instrument.caseness.threshold, *instrument.caseness.by_sex.values()]
        )
        worst, best = (high, low) if instrument.direction == "higher is worse" else (low, high)
        assert (instrument.is_case(worst), instrument.is_case(best)) == (True, False)
    if instrument.reliable_change:
        assert 0 < instrument.reliable_change.least < high - low


def test_without_a_cut_off_nobody_is_a_case_or_none() -> None:
    assert INSTRUMENTS["cssrs"].is_case(1) is None


@pytest.mark.parametrize("instrument", SUMS)
def test_the_best_and_the_worst_answers_reach_both_ends_of_the_range(instrument: Instrument) -> None:
    low, high = instrument.range
    lowest = {i.id: i.high if i.reverse else i.low for i in instrument.items}
    highest = {i.id: i.low if i.reverse else i.high for i in instrument.items}
    assert (instrument.score(lowest).total, instrument.score(highest).total) == (low, high)


@pytest.mark.parametrize("instrument", ALL)
def test_an_impossible_answer_is_refused_by_item_range_and_value(instrument: Instrument) -> None:
    for item in instrument.items:
        for wrong in (item.low - 1, item.high + 1, item.low + 0.5, float("nan"), float("inf")):
            with pytest.raises(DataError) as caught:
                instrument.score({item.id: wrong})
            for part in (f"item {item.id} ", item.name, f"{item.low:g}", f"{item.high:g}", repr(wrong)):
                assert part in caught.value.message


@pytest.mark.parametrize("instrument", ALL)
def test_an_unknown_item_is_refused(instrument: Instrument) -> None:
    with pytest.raises(DataError, match="has no item sleepiness"):
        instrument.score({"sleepiness": 1})


@pytest.mark.parametrize("instrument", ALL)
def test_an_instrument_is_found_by_its_codes(instrument: Instrument) -> None:
    assert instrument_of_total(instrument.total_code) is instrument
    assert all(instrument_of_panel(code) is instrument for code in instrument.panel_codes)
    for item in instrument.items:
        assert instrument in instruments_with_item(item.code)
        assert all(instrument.item(name) is item for name in (item.id, item.code, *item.aliases))
    assert instrument.item("LOINC//0-0") is None


def test_totals_and_panels_have_codes_of_their_own() -> None:
    codes = [code for i in INSTRUMENTS.values() for code in (i.total_code, *i.panel_codes)]
    assert [code for code, times in Counter(codes).items() if times > 1] == []
    assert [code for code in codes if instruments_with_item(code)] == []


def test_only_the_phq4_shares_its_questions() -> None:
    shared = {
        tuple(i.id for i in instruments_with_item(item.code))
        for instrument in INSTRUMENTS.values()
        for item in instrument.items
        if len(instruments_with_item(item.code)) > 1
    }
    assert shared == {("phq4", "phq9"), ("gad7", "phq4")}


def test_an_alias_means_the_item_only_inside_its_instrument() -> None:
    """US Core's AUDIT-C example uses 68517-2, a question of its own, where 68518-0 is meant."""
    item = INSTRUMENTS["audit_c"].item("LOINC//68517-2")
    assert item is not None
    assert item.code == "LOINC//68518-0"
    assert instruments_with_item("LOINC//68517-2") == ()


def test_unknown_codes_belong_to_none() -> None:
    assert instruments_with_item("LOINC//8867-4") == ()
    assert instrument_of_total("LOINC//8867-4") is None
    assert instrument_of_panel("LOINC//8867-4") is None
