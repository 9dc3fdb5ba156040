"""FHIR's value[x] as the number and the words of an event."""

from collections.abc import Callable

from alleviate.intake.fhir.coding import words_of
from alleviate.intake.fhir.draft import Draft
from alleviate.intake.fhir.moments import days, moment
from alleviate.intake.fhir.shapes import Coding, Concept, Period, Quantity, Range, Ratio, Shape

__all__ = ["UCUM", "Valued", "amount", "unit_of", "value_of"]

UCUM = "http://unitsofmeasure.org"


class Valued(Shape):
    """What has a value[x]."""

    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    value_coding: Coding | None = None
    value_string: str | None = None
    value_uri: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_decimal: float | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_sampled_data: dict[str, object] | None = None
    value_time: str | None = None
    value_date: str | None = None
    value_date_time: str | None = None
    value_period: Period | None = None
    value_attachment: dict[str, object] | None = None
    value_reference: dict[str, object] | None = None


def unit_of(quantity: Quantity) -> str | None:
    """The unit in UCUM where the source says it so, else as it is displayed."""
    if quantity.code and quantity.system == UCUM:
        return quantity.code
    return quantity.unit or quantity.code


def amount(quantity: Quantity) -> str:
    """A quantity in words, such as "<5 mg/L"."""
    number = "?" if quantity.value is None else f"{quantity.value:.15g}"
    return f"{quantity.comparator or ''}{number} {quantity.unit or quantity.code or ''}".strip()


def value_of(valued: Valued, draft: Draft, name: str = "") -> tuple[float | None, str | None] | None:
    """Number and words of a value, or None without one. ``name`` is the element that has the value."""
    if (quantity := valued.value_quantity) is not None:
        if quantity.comparator:
            draft.caution(
                f"{name}valueQuantity.comparator", f'"{amount(quantity)}" is kept as words: it is no number.'
            )
            return None, amount(quantity)
        if quantity.value is None:
            return None
        return quantity.value, unit_of(quantity)
    for element, reader in _READERS.items():
        if (value := getattr(valued, element)) is not None:
            return reader(value, draft, name)
    return None


def _coding(coding: Coding, draft: Draft, name: str) -> tuple[float | None, str | None]:
    return None, coding.display or coding.code


def _date(text: str, draft: Draft, name: str) -> tuple[float | None, str | None]:
    return days(moment(text, f"{name}value").first), None


def _range(value: Range, draft: Draft, name: str) -> tuple[float | None, str | None]:
    low, high = value.low and amount(value.low), value.high and amount(value.high)
    return None, f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"


def _ratio(value: Ratio, draft: Draft, name: str) -> tuple[float | None, str | None]:
    sides = (value.numerator or Quantity(), value.denominator or Quantity())
    return None, ":".join(amount(side) for side in sides)


def _left_out(what: str) -> Callable[[object, Draft, str], tuple[float | None, str | None]]:
    def reader(value: object, draft: Draft, name: str) -> tuple[float | None, str | None]:
        draft.caution(f"{name}value", f"{what} was left out: only numbers and words are kept.")
        return None, None

    return reader


_READERS: dict[str, Callable[..., tuple[float | None, str | None] | None]] = {
    "value_codeable_concept": lambda value, draft, name: (None, words_of(value)),
    "value_string": lambda value, draft, name: (None, value),
    "value_coding": _coding,
    "value_decimal": lambda value, draft, name: (value, None),
    "value_integer": lambda value, draft, name: (float(value), None),
    "value_boolean": lambda value, draft, name: (float(value), None),
    "value_date": _date,
    "value_date_time": _date,
    "value_time": lambda value, draft, name: (None, value),
    "value_uri": lambda value, draft, name: (None, value),
    "value_range": _range,
    "value_ratio": _ratio,
    "value_period": lambda value, draft, name: (None, f"{value.start or '..'}/{value.end or '..'}"),
    "value_sampled_data": _left_out("A series of samples"),
    "value_attachment": _left_out("An attached file"),
    "value_reference": _left_out("A reference to another resource"),
}
