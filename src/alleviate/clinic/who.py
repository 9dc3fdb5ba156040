"""Who asks: somebody with an account who is signed in, or a system with a token."""

from dataclasses import dataclass

from alleviate.decisions.permissions import Role
from alleviate.vault.accounts import Account

__all__ = ["COUNTER", "KEEPER", "Who"]

KEEPER = "alleviate:keeper"
"""The audit's word for our program that judges new scores."""

COUNTER = "alleviate:service"
"""And for the one that works out the officers' figures."""


@dataclass(frozen=True, slots=True)
class Who:
    """``actor`` is the word of the audit. ``key`` names what the team knows: the account's id, or "".

    ``limits``: where not None, the actions that are open at all, whatever the role may; of a system the
    ``scopes`` of its token narrow further. ``csrf`` is the token that forms carry; "" where no cookie signs
    in, so that no other site can send one along. ``only``: what a link opens and nothing besides, or "".
    """

    actor: str
    role: Role
    account: Account | None = None
    scopes: frozenset[str] = frozenset()
    limits: frozenset[str] | None = None
    csrf: str = ""
    only: str = ""

    @property
    def key(self) -> str:
        return self.account.id if self.account else ""

    @property
    def patient(self) -> str:
        """Whose own account it is: our id, or ""."""
        return self.account.patient if self.account and self.role == "patient" else ""
