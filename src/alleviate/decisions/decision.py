"""What became of a proposal: who did what when, checked against the one table of moves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alleviate.decisions.permissions import ROLES, Role
from alleviate.decisions.proposal import Proposal
from alleviate.decisions.reasons import MOST_WORDS, Reason
from alleviate.decisions.states import FIRST, check_role, check_start, final, move
from alleviate.terms.errors import DataError, InputError
from alleviate.terms.kinds import expect_kind
from alleviate.terms.times import check_utc, parse_utc

__all__ = ["ELSE", "NOTHING", "Act", "Decision"]

ELSE = "something-else"
"""Chosen where it is none of the options: the reason's words say what."""
NOTHING = "nothing-now"
"""Chosen where nothing is begun for now."""

_ACT, _DECISION = "act/1", "decision/1"


@dataclass(frozen=True, slots=True)
class Act:
    """One move. ``by``: the audit's word for who made it; ``role`` None: our own program.

    ``chosen``: the arm, or `ELSE`, or `NOTHING`. ``leaning``: what a clinician thought best before seeing the
    advice, where they were asked. ``found``: what was observed, as plain values. Raises InputError where what
    the move needs is lacking, RefusedError where such a role makes no such move.
    """

    move: str
    by: str
    role: Role | None
    at: datetime
    chosen: str = ""
    reason: Reason | None = None
    leaning: str = ""
    note: str = ""
    found: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        wanted = move(self.move)
        check_utc(self.at, "The time of a move")
        if not self.by:
            raise InputError("A move needs who made it.", hint="Give the audit's word for them.")
        if self.role is not None and self.role not in ROLES:
            raise InputError(f"There is no role {self.role!r}.", hint=f"One of: {', '.join(ROLES)}.")
        check_role(self.move, self.role)
        if bool(self.chosen) != wanted.decides:
            expected = "expected the option that is chosen" if wanted.decides else "nothing is chosen by it"
            raise InputError(f"{wanted.words}: {expected}, got {self.chosen!r}.", hint="Choose one option.")
        if (self.reason is not None) != ("reason" in wanted.needs):
            hint = "Choose a reason, and say it in your own words too."
            raise InputError(f"{wanted.words}: expected {_with(wanted.needs)} reason.", hint=hint)
        if self.reason is not None and not self.reason.fits(self.move):
            raise InputError(
                f'"{self.reason.text}" is no reason to {self.move}.', hint="Choose another reason."
            )
        object.__setattr__(self, "note", self.note.strip())
        if len(self.note) > MOST_WORDS:
            raise InputError(f"A note has {len(self.note)} characters of {MOST_WORDS}.", hint="Shorten it.")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {
            "kind": _ACT,
            "move": self.move,
            "by": self.by,
            "role": self.role,
            "at": self.at.isoformat(),
            "chosen": self.chosen,
            "reason": None if self.reason is None else [self.reason.code, self.reason.words],
            "leaning": self.leaning,
            "note": self.note,
            "found": None if self.found is None else dict(self.found),
        }

    @classmethod
    def from_dict(cls, data: Any) -> "Act":
        """The inverse of `to_dict`. Raises DataError, or what an act raises at birth."""
        told = dict(expect_kind(data, _ACT, set(cls.__dataclass_fields__)))
        del told["kind"]
        reason = told["reason"]
        return cls(
            **{
                **told,
                "at": parse_utc(told["at"]),
                "reason": None if reason is None else Reason(*reason),
            }
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """A proposal's life so far. ``proposal`` is its id; ``options``, ``advised``, ``barred`` are its arms.

    ``acts`` in the order made. Raises ConflictError where one could not follow the other, InputError where
    what was chosen is no option, or accepted and not advised.
    """

    proposal: str
    options: tuple[str, ...]
    advised: tuple[str, ...]
    barred: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()

    def __post_init__(self) -> None:
        if not self.proposal:
            raise DataError("A decision needs the id of its proposal.", hint="Store the proposal first.")
        state = FIRST
        for act in self.acts:
            state = check_start(act.move, state).ends
            self._check(act)

    @classmethod
    def of(cls, id: str, proposal: Proposal, acts: tuple[Act, ...] = ()) -> "Decision":
        """On a stored proposal."""
        arms = tuple(option.arm for option in proposal.options)
        return cls(id, arms, proposal.advised, proposal.barred, acts)

    def _check(self, act: Act) -> None:
        if not act.chosen:
            return
        if act.chosen not in (*self.options, ELSE, NOTHING):
            raise InputError(f"{act.chosen!r} is none of the options.", hint="Choose one of those shown.")
        if ("advised" in move(act.move).needs) != (act.chosen in self.advised):
            word = "is" if act.chosen in self.advised else "is not"
            raise InputError(
                f"{act.chosen!r} {word} what was proposed, so this is no way to {act.move}.",
                hint="Accept what is proposed, or choose otherwise and say why.",
            )
        if (act.chosen in self.barred or act.chosen == ELSE) and act.reason and not act.reason.words:
            raise InputError(
                "A safety rule speaks against this choice."
                if act.chosen in self.barred
                else "Something else is chosen, without saying what.",
                hint="Say in your own words why, and what.",
            )

    def after(self, *acts: Act) -> "Decision":
        """The same with more acts. Raises as at birth."""
        return replace(self, acts=(*self.acts, *acts))

    @property
    def state(self) -> str:
        """Where it stands."""
        return move(self.acts[-1].move).ends if self.acts else FIRST

    @property
    def is_open(self) -> bool:
        """Whether somebody may still decide."""
        return self.state in ("proposed", "seen", "discussed")

    @property
    def is_final(self) -> bool:
        """Whether nothing may follow."""
        return final(self.state)

    @property
    def decided(self) -> Act | None:
        """The act by which a treatment was chosen, where that stands."""
        if self.state not in ("accepted", "overridden", "observed"):
            return None
        return next(act for act in reversed(self.acts) if move(act.move).decides)

    @property
    def followed(self) -> bool | None:
        """Whether what was chosen is what was advised; None until somebody decides."""
        act = self.decided
        return None if act is None else act.chosen in self.advised

    def to_dict(self) -> dict[str, Any]:
        """As plain values, ready for JSON."""
        return {
            "kind": _DECISION,
            "proposal": self.proposal,
            "options": list(self.options),
            "advised": list(self.advised),
            "barred": list(self.barred),
            "acts": [act.to_dict() for act in self.acts],
        }

    @classmethod
    def from_dict(cls, data: Any) -> "Decision":
        """The inverse of `to_dict`. Raises DataError, or what a decision raises at birth."""
        told = expect_kind(data, _DECISION, set(cls.__dataclass_fields__))
        acts = tuple(Act.from_dict(act) for act in told["acts"])
        options, advised, barred = (tuple(told[name]) for name in ("options", "advised", "barred"))
        return cls(told["proposal"], options, advised, barred, acts)


def _with(needs: frozenset[str]) -> str:
    return "a" if "reason" in needs else "no"
