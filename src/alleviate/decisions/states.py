"""The one table of a proposal's states and moves, ``states.toml``, and the diagram drawn from it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from alleviate.decisions.permissions import Role, rule
from alleviate.terms.errors import ConflictError, InputError, RefusedError

__all__ = ["FIRST", "Move", "check_role", "diagram", "final", "move", "moves", "moves_from", "states"]

FIRST = "proposed"

NEEDS = ("advised", "chosen", "reason")


@dataclass(frozen=True, slots=True)
class Move:
    """From one of ``starts`` to ``ends``. ``action``: of the permissions' table; "" is our own program.

    ``needs``: "chosen" an option, "advised" the one proposed and no other, "reason" a coded reason.
    """

    name: str
    starts: tuple[str, ...]
    ends: str
    action: str
    words: str
    needs: frozenset[str]

    @property
    def decides(self) -> bool:
        """Whether a treatment is chosen by it: always by a person."""
        return "chosen" in self.needs


def states() -> dict[str, str]:
    """Every state, with what it means."""
    found: dict[str, str] = _table()[0]
    return dict(found)


def moves() -> tuple[Move, ...]:
    """Every move, in the table's order."""
    return tuple(_table()[1].values())


def move(name: str) -> Move:
    """The move of that name. Raises InputError."""
    found = _table()[1].get(name)
    if found is None:
        raise InputError(f"There is no move {name!r}.", hint=f"One of: {', '.join(_table()[1])}.")
    return found


def moves_from(state: str) -> tuple[Move, ...]:
    """What may come next."""
    return tuple(each for each in moves() if state in each.starts)


def final(state: str) -> bool:
    """Whether nothing comes after it."""
    return not moves_from(state)


def check_start(name: str, state: str) -> Move:
    """The move, where it may start from ``state``. Raises ConflictError where it may not."""
    found = move(name)
    if state not in found.starts:
        raise ConflictError(
            f"What is {state} cannot be moved by {name!r}, which starts from {' or '.join(found.starts)}.",
            hint="Look at it again: somebody may have decided meanwhile.",
        )
    return found


def check_role(name: str, role: Role | None) -> None:
    """Raises RefusedError where ``role`` (None: our own program) makes no such move."""
    action = move(name).action
    allowed = role is None if not action else role is not None and role in rule(action).bonds
    if not allowed:
        raise RefusedError("This is not open to you.", hint="Ask a clinician of the care team to decide.")


def diagram() -> str:
    """A Mermaid state diagram of the table."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST}"]
    lines += [f"    {start} --> {each.ends}: {each.name}" for each in moves() for start in each.starts]
    lines += [f"    {state} --> [*]" for state in states() if final(state)]
    return "\n".join(lines) + "\n"


@cache
def _table() -> tuple[dict[str, str], dict[str, Move]]:
    found: dict[str, Any] = tomllib.loads(
        (files("alleviate.decisions") / "states.toml").read_text(encoding="utf-8")
    )
    named = found["states"]
    table = {}
    for line in found["moves"]:
        each = Move(
            line["name"],
            tuple(line["from"]),
            line["to"],
            line["action"],
            line["words"],
            frozenset(line.get("needs", ())),
        )
        assert {*each.starts, each.ends} <= named.keys(), each.name
        assert each.needs <= set(NEEDS), each.name
        assert each.name not in table, each.name
        if each.action:
            rule(each.action)  # an unknown action fails here
        table[each.name] = each
    return named, table
