"""Everything that is shown of one recommendation, as one frozen object that can be replayed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from alleviate.decisions.parts import (
    Aim,
    Begun,
    Change,
    Evidence,
    Gap,
    Option,
    Passed,
    Prospect,
    Versions,
    Wanted,
)
from alleviate.packages.canonical import to_json
from alleviate.terms.errors import DataError
from alleviate.terms.estimates import Estimate
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["STANDINGS", "Proposal", "Standing"]

Standing = Literal["established", "leaning", "equal", "cannot-say", "none-safe", "no-package"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)
"""How sure it is: shown for this person; leaning, but not shown; no difference expected; the study
cannot speak of this person; hard rules or limits leave no option; no package fits at all."""

_KIND = "proposal/1"
_OPEN = ("cannot-say", "none-safe", "no-package")
"""Standings that advise nothing."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """``options`` in the order shown. ``first``: the arm that the figures put first, "" where none.

    ``moment`` (UTC): by what was known then. ``benefit``: of ``first`` over the next best, positive is
    better. ``reason``: why nothing can be said. ``reasons_for``/``reasons_against`` of ``first``;
    ``unknown``: what the intervals are wider for. ``reordered``: wishes moved an option ahead of ``first``.
    ``unchecked``: what the hard rules do not know of this person. ``comparable``: people of the study most
    like this one. ``newest``: day of the newest score that was used (ISO 8601), or "". Raises DataError where
    it contradicts itself.
    """

    patient: str
    moment: datetime
    standing: Standing
    reason: str
    first: str
    benefit: Estimate | None
    options: tuple[Option, ...]
    reordered: bool
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]
    unknown: tuple[str, ...]
    changes: tuple[Change, ...]
    gaps: tuple[Gap, ...]
    newest: str
    comparable: int
    unchecked: tuple[str, ...]
    wishes: tuple[Wanted, ...]
    begun: tuple[Begun, ...]
    aim: Aim | None
    evidence: Evidence | None
    prospects: tuple[Prospect, ...]
    passed: tuple[Passed, ...]
    versions: Versions

    def __post_init__(self) -> None:
        check_utc(self.moment, "The moment of a proposal")
        self._expect(self.standing in STANDINGS, f"has no standing {self.standing!r}")
        arms = [option.arm for option in self.options]
        self._expect(len(set(arms)) == len(arms), "names an option twice")
        self._expect(not self.first or self.first in arms, "puts first what is no option")
        barred = [option.arm for option in self.options if option.advised and option.barred]
        self._expect(not barred, f"advises {', '.join(barred)}, which a hard rule bars")
        says_nothing = self.standing in _OPEN
        self._expect(says_nothing == (not self.advised), f"is {self.standing}, and advises {self.advised}")
        self._expect(
            self.standing not in ("established", "leaning") or len(self.advised) == 1,
            f"is {self.standing}, and advises {len(self.advised)} options",
        )
        self._expect(self.standing != "cannot-say" or bool(self.reason), "cannot say, without a reason")

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise DataError(f"A proposal {otherwise}.", hint="Build it anew from the record.")

    @property
    def advised(self) -> tuple[str, ...]:
        """The arms any of which may be accepted without a reason, in the order shown."""
        return tuple(option.arm for option in self.options if option.advised)

    @property
    def barred(self) -> tuple[str, ...]:
        """The arms that a hard rule bars."""
        return tuple(option.arm for option in self.options if option.barred)

    def option(self, arm: str) -> Option:
        """The option of that arm. Raises DataError."""
        found = next((option for option in self.options if option.arm == arm), None)
        if found is None:
            raise DataError(f"{arm!r} is none of the options.", hint="Choose one of those shown.")
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(to_json(self.to_dict())).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {"kind": _KIND, **plain, "moment": self.moment.isoformat()}

    @classmethod
    def from_dict(cls, data: Any) -> "Proposal":
        """The inverse of `to_dict`. Raises DataError."""
        told = dict(expect_kind(data, _KIND, _FIELDS))
        del told["kind"]
        return _converted({**told, "moment": parse_utc(told["moment"])})


_FIELDS = set(Proposal.__dataclass_fields__)


def _converted(plain: Mapping[str, Any]) -> Proposal:
    try:
        return msgspec.convert(plain, Proposal)
    except msgspec.ValidationError as error:
        raise DataError(f"A proposal is malformed: {error}.", hint="Write proposals with to_dict.") from None
