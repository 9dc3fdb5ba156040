"""Each instrument scores the examples that its folder brings, worked out by hand."""

import re
import tomllib
from pathlib import Path

import msgspec
import polars as pl
import pytest

import alleviate.instruments
from alleviate.instruments import INSTRUMENTS, Instrument, Score, score_frame

FOLDER = Path(alleviate.instruments.__file__).parent


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers in the order of the items, and the score that they must have."""

    what: str
    answers: str
    arithmetic: str
    sex: str | None = None
    total: float | None = None
    severity: str | None = None
    case: bool | None = None
    flags: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    imputed: bool = False
    reason: str = ""
    subscales: dict[str, float] = {}
    profile: str | None = None

    def answers_of(self, instrument: Instrument) -> dict[str, float | None]:
        words = self.answers.split()
        return {
            item.id: None if word == "-" else float(word)
            for item, word in zip(instrument.items, words, strict=True)
        }


def examples(id: str) -> list[Example]:
    lines = tomllib.loads((FOLDER / id / "examples.toml").read_text())
    return msgspec.convert(lines["examples"], list[Example])


CASES = [
    pytest.param(id, example, id=f"{id}: {example.what}") for id in INSTRUMENTS for example in examples(id)
]


@pytest.mark.parametrize(("id", "example"), CASES)
def test_an_example_is_scored_as_worked_out_by_hand(id: str, example: Example) -> None:
    instrument = INSTRUMENTS[id]
    score = instrument.score(example.answers_of(instrument), sex=example.sex)
    assert score.reason.startswith(example.reason)
    assert bool(score.reason) == bool(example.reason)
    assert score == Score(
        total=example.total if example.total is None else pytest.approx(example.total, abs=1e-12),
        severity=example.severity,
        case=example.case,
        flags=example.flags,
        missing=example.missing,
        imputed=example.imputed,
        reason=score.reason,
        subscales=example.subscales,
        profile=example.profile,
    )


@pytest.mark.parametrize(("id", "example"), CASES)
def test_and_the_same_in_a_table(id: str, example: Example) -> None:
    instrument = INSTRUMENTS[id]
    row = {**example.answers_of(instrument), "sex": example.sex}
    ((total, severity, case, flags),) = score_frame(instrument, pl.DataFrame([row])).rows()
    assert total == pytest.approx(example.total, abs=1e-12)
    assert (severity, case, tuple(flags)) == (example.severity, example.case, example.flags)


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_an_instrument_shows_complete_and_incomplete_forms_and_each_of_its_levels(id: str) -> None:
    instrument, shown = INSTRUMENTS[id], examples(id)
    assert any(example.missing for example in shown)
    assert any(not example.missing for example in shown)
    if instrument.missing.most:
        assert any(example.imputed for example in shown), "no example uses the rule for missing items"
        assert any(example.missing and not example.imputed for example in shown), "none goes beyond the rule"
    if instrument.caseness:
        assert {example.case for example in shown} >= {True, False}
    assert {tier.name for tier in instrument.tiers} <= {example.severity for example in shown}
    assert {flag.name for flag in instrument.flags} <= {flag for example in shown for flag in example.flags}


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_the_arithmetic_of_an_example_ends_in_its_total(id: str) -> None:
    """A slip of the pen in an example would teach a wrong rule."""
    for example in examples(id):
        if example.total is not None:
            numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", example.arithmetic)]
            assert any(abs(example.total - number) < 0.001 for number in numbers), example
