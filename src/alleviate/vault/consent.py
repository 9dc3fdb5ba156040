"""Who may see what for which purpose: the one place that decides.

For each kind of data the newest statement in force counts, with three rules:

- what is said of one kind goes before what is said of everything, save that a later denial of everything
  ends an earlier permission of one kind: whoever withdraws has withdrawn;
- a permission that has run out ends every permission before it: a limited one replaces an unlimited one;
- of two statements of one moment the denial counts; what says neither ``permit`` nor ``deny`` denies.

Where nothing is in force, care is permitted, research and model training are denied. ``rights`` are the
person's own and the law's (access, erasure); no consent blocks them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from alleviate.records import KINDS, Event, Kind
from alleviate.terms.codes import SEPARATOR
from alleviate.terms.errors import ConsentError

__all__ = ["PURPOSES", "Purpose", "check_purpose", "holds_until", "permitted", "pseudonymous", "shows_who"]

Purpose = Literal["care", "research", "model-training", "rights"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = 2_900_000  # of the calendar, about: no permission ends later
_UNTIL = f"CONSENT{SEPARATOR}until"
_NOT_WHO = frozenset(
    {"MEDS_BIRTH", "MEDS_DEATH"}
    | {f"PERSON{SEPARATOR}{word}" for word in ("sex", "language", "marital", "site", "synthetic")}
)


@dataclass(frozen=True, slots=True)
class _Statement:
    """``kind`` None: everything. ``given``: when, and when the record knew."""

    kind: Kind | None
    permits: bool
    given: tuple[datetime, datetime]
    expired: bool


def check_purpose(purpose: object) -> None:
    """Raises ConsentError for anything but a purpose."""
    if purpose not in PURPOSES:
        raise ConsentError(
            f"Patient data are read for a purpose, one of {', '.join(PURPOSES)}; got {purpose!r}.",
            hint="Say what it is for.",
        )


def pseudonymous(purpose: Purpose) -> bool:
    """Whether who it is stays hidden: ids are ours, and what `shows_who` is left out."""
    return purpose in ("research", "model-training")


def shows_who(code: str) -> bool:
    """Whether an event of the kind ``person`` identifies; a code we do not know does."""
    return code not in _NOT_WHO


def permitted(events: Iterable[Event], purpose: Purpose, moment: datetime) -> frozenset[Kind]:
    """The kinds that may be read at ``moment`` (UTC), from a record's consents; other events are passed over.

    Raises ConsentError for an unknown purpose.
    """
    check_purpose(purpose)
    if purpose == "rights":
        return frozenset(KINDS)
    statements = _statements(events, purpose, moment)
    general = _in_force([each for each in statements if each.kind is None])
    default = general.permits if general else purpose == "care"
    allowed = set[Kind]()
    for kind in KINDS:
        own = _in_force([each for each in statements if each.kind == kind])
        withdrawn = own and general and not general.permits and general.given > own.given
        if default if own is None or withdrawn else own.permits:
            allowed.add(kind)
    return frozenset(allowed)


def holds_until(events: Iterable[Event], moment: datetime) -> datetime | None:
    """When what is `permitted` at ``moment`` may change though nobody writes; None: never.

    A permission runs out, and what comes to be known later, or no longer holds, does so by itself.
    """
    moments = []
    for event in events:
        if event.kind != "consent":
            continue
        moments += [event.known_at, event.known_until or event.known_at]
        if event.code == _UNTIL and event.numeric_value is not None and 0 <= event.numeric_value < _LAST_DAY:
            moments.append(_EPOCH + timedelta(days=int(event.numeric_value) + 1))
    return min((each for each in moments if each > moment), default=None)


def _statements(events: Iterable[Event], purpose: Purpose, moment: datetime) -> list[_Statement]:
    known = [
        event
        for event in events
        if event.kind == "consent"
        and event.known_at <= moment
        and (event.known_until is None or event.known_until > moment)
    ]
    ends: dict[str, float] = {}
    for event in known:
        if event.code == _UNTIL and event.numeric_value is not None and event.entry:
            ends[event.entry] = min(event.numeric_value, ends.get(event.entry, event.numeric_value))
    statements = []
    for event in known:
        word, of, *rest = [*event.code.split(SEPARATOR), ""]
        if word != "CONSENT" or of != purpose:
            continue
        permits = event.text_value == "permit"
        kind = next((kind for kind in KINDS if [kind, ""] == rest), None)
        if permits and kind is None and rest != [""]:
            continue  # of a kind that we do not know; a denial of one is taken to be of everything
        last_day = ends.get(event.entry)
        statements.append(
            _Statement(
                kind,
                permits,
                (event.time, event.known_at),
                last_day is not None and (moment - _EPOCH) // timedelta(days=1) > last_day,
            )
        )
    return statements


def _in_force(statements: Sequence[_Statement]) -> _Statement | None:
    """The newest; of those given at once a denial, then one that has ended: order is no matter."""
    permissions_ended = False
    for each in sorted(
        statements, key=lambda each: (each.given, not each.permits, each.expired), reverse=True
    ):
        if each.expired:
            permissions_ended |= each.permits
        elif not (each.permits and permissions_ended):
            return each
    return None
