"""Who may do what: reads the one table, ``permissions.toml``, and answers from it alone."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from alleviate.terms.errors import InputError, RefusedError

__all__ = ["BONDS", "ROLES", "Basis", "Role", "Rule", "actions", "check_may", "may", "rule"]

Role = Literal[
    "administrator",
    "clinician",
    "trainee",
    "patient",
    "data-scientist",
    "safety-officer",
    "protection-officer",
    "integrator",
]
ROLES: tuple[Role, ...] = get_args(Role)

Basis = Literal["self", "team", "glass", "none"]
"""What binds somebody to a person; "none": nothing."""

BONDS = ("self", "team", "glass", "any", "none")
"""What a line of the table may ask for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One action: in ``words``, for which ``purpose`` patients' data are read ("" for none at all), and of
    each role that may do it the bonds that suffice."""

    action: str
    words: str
    purpose: str
    bonds: dict[Role, frozenset[str]]

    @property
    def of_a_person(self) -> bool:
        """Whether it is done to one person's data, to whom somebody needs a bond."""
        return any(bonds != {"none"} and bonds != {"any"} for bonds in self.bonds.values())


def actions() -> tuple[str, ...]:
    """Every action that there is."""
    return tuple(_table())


def rule(action: str) -> Rule:
    """The line of ``action``. Raises InputError for one that the table does not have."""
    if action not in _table():
        raise InputError(f"There is no action {action!r}.", hint="Write its line in permissions.toml.")
    return _table()[action]


def may(role: Role, action: str, basis: Basis | None = None) -> bool:
    """Whether ``role``, bound by ``basis`` to the person concerned, may do it.

    ``basis`` None: the action concerns no one person; then a role that needs a bond may not.
    """
    needed = rule(action).bonds.get(role, frozenset())
    if "any" in needed:
        return True
    return "none" in needed if basis is None else basis in needed - {"none", "any"}


def check_may(role: Role, action: str, basis: Basis | None = None) -> None:
    """Raises RefusedError where `may` says no: without telling why, which would tell who exists."""
    if not may(role, action, basis):
        raise RefusedError("This is not open to you.", hint="Ask the care team or the administrator.")


@cache
def _table() -> dict[str, Rule]:
    text = (files("alleviate.decisions") / "permissions.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    table = {}
    for action, line in found["actions"].items():
        bonds = {role: frozenset(line[role]) for role in ROLES if role in line}
        assert line.keys() <= {"words", "purpose", *ROLES}, action
        assert all(needed and needed <= set(BONDS) for needed in bonds.values()), action
        table[action] = Rule(action, line["words"], line.get("purpose", ""), bonds)
    return table
