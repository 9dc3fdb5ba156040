"""What an instrument is made of: items, bands, cut-offs, rules. Each is a table of instrument.toml."""

from collections.abc import Mapping
from math import sqrt
from typing import Literal

from msgspec import Struct, field

from alleviate.terms.codes import check_code
from alleviate.terms.errors import DataError

__all__ = [
    "Band",
    "Caseness",
    "Change",
    "Flag",
    "Item",
    "MissingRule",
    "Remission",
    "Score",
    "Skip",
    "Subscale",
    "Tier",
]


class Skip(Struct, frozen=True, forbid_unknown_fields=True):
    """An item is not asked, and counts 0, where another item has this answer."""

    item: str
    equals: float


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question, answered by a whole number from ``low`` to ``high``: the answer's place, not its points.

    ``name`` is our own word for it; ``text`` the wording, where the licence lets us carry it. ``answers``
    maps LOINC's answer codes to values; ``labels`` words the values from ``low`` upward. A ``reverse`` item
    adds ``low + high - value``; one that is not ``scored`` is kept and never added. ``aliases`` are codes
    that stand for this item inside this instrument only.
    """

    id: str
    code: str
    name: str
    low: float
    high: float
    text: str | None = None
    answers: Mapping[str, float] = {}
    labels: tuple[str, ...] = ()
    reverse: bool = False
    scored: bool = True
    skip: Skip | None = None
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for code in (self.code, *self.aliases):
            check_code(code)
        what = f"Item {self.id} ({self.code})"
        if not self.low < self.high:
            raise DataError(f"{what} runs from {self.low:g} to {self.high:g}.", hint="Turn them round.")
        if outside := [code for code, value in self.answers.items() if not self.low <= value <= self.high]:
            raise DataError(f"{what} has answers out of range: {', '.join(outside)}.", hint="Mend them.")
        if self.labels and len(self.labels) != self.high - self.low + 1:
            raise DataError(f"{what} has {len(self.labels)} labels.", hint="Give each value one, or none.")

    def takes(self, value: float | None) -> bool:
        """Whether this can be an answer: a whole number in range."""
        return value is not None and self.low <= value <= self.high and value == int(value)

    def points(self, value: float) -> float:
        """What an answer adds to the total."""
        return self.low + self.high - value if self.reverse else value


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """A range of totals, both ends within, and its name."""

    name: str
    low: float
    high: float


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """A level of risk, reached when any of these items is answered yes (1) or not known.

    The last tier names no item: all others fall into it. A score in a tier with a ``flag`` carries it.
    """

    name: str
    any: tuple[str, ...]
    flag: str = ""


class Caseness(Struct, frozen=True, forbid_unknown_fields=True):
    """From which total on (or, where higher is better, down to which) a person counts as a case.

    ``by_sex`` replaces ``threshold`` where the sex is known and named in it.
    """

    threshold: float
    source: str
    by_sex: Mapping[str, float] = {}


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a total must move before chance is no likely reason, in points.

    Given as ``points``, or by Jacobson and Truax from ``sd`` and ``reliability`` of the total:
    ``1.96 · sd · √2 · √(1 - reliability)``. Where only the smallest difference that matters to patients is
    published, ``kind`` says so.
    """

    source: str
    kind: Literal["reliable change", "important difference"] = "reliable change"
    points: float | None = None
    sd: float | None = None
    reliability: float | None = None

    def __post_init__(self) -> None:
        given = (self.points is not None, self.sd is not None, self.reliability is not None)
        if given not in {(True, False, False), (False, True, True)}:
            raise DataError("A change needs points, or else sd and reliability.", hint="Give one of the two.")

    @property
    def least(self) -> float:
        """The smallest difference of two totals that is a reliable change."""
        if self.points is not None:
            return self.points
        return 1.96 * float(self.sd or 0) * sqrt(2) * sqrt(1 - float(self.reliability or 0))


class Remission(Struct, frozen=True, forbid_unknown_fields=True):
    """The total at which (or better) hardly any symptom is left."""

    threshold: float
    source: str


class MissingRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to ``most`` unanswered items are replaced by the mean of the answered ones; beyond, no total.

    With ``by_subscale`` the mean is that of the item's subscale, rounded to a whole number (a half goes up).
    Items in ``needs`` are never replaced. ``source`` says whose rule it is.
    """

    source: str
    most: int = 0
    by_subscale: bool = False
    needs: tuple[str, ...] = ()


class Flag(Struct, frozen=True, forbid_unknown_fields=True):
    """A name that a score carries when an item's answer is at least this, whatever the total."""

    name: str
    item: str
    at_least: float
    source: str


class Subscale(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the items, summed on its own where all of them are answered."""

    name: str
    items: tuple[str, ...]


class Score(Struct, frozen=True, kw_only=True):
    """What the answers amount to. ``reason`` says why there is no total, or what to mind about it.

    ``severity`` is a band's or a tier's name; ``case`` is None where it cannot be told or means nothing here.
    ``missing`` are scored items without an answer; ``imputed``: the rule for them was used. ``profile`` are
    the levels in one word, where an instrument has a profile for a total.
    """

    total: float | None = None
    severity: str | None = None
    case: bool | None = None
    flags: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    imputed: bool = False
    reason: str = ""
    subscales: Mapping[str, float] = field(default_factory=dict)
    profile: str | None = None
