"""An account: somebody who may sign in."""

import re
import secrets
import string
from datetime import UTC, datetime
from typing import Literal, get_args

import msgspec

from alleviate.decisions.permissions import ROLES, Role
from alleviate.terms.errors import DataError
from alleviate.terms.times import check_utc

__all__ = ["LANGUAGES", "PROFESSIONS", "Account", "Language", "is_id", "new_id"]

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

PROFESSIONS = (
    "psychiatrist",
    "psychologist",
    "nurse",
    "gp",
    "psychotherapist",
    "social-worker",
    "occupational-therapist",
    "pharmacist",
)
"""Of those who care for people; of others empty."""

_ID_SIGNS = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_ID = re.compile(rf"[a-z0-9]{{{_ID_LENGTH}}}").fullmatch
_LOGIN = re.compile(r"[\w.@+-]{2,100}").fullmatch
_LONGEST = 200


def is_id(text: str) -> bool:
    """Whether it can be an account's id."""
    return _ID(text) is not None


def new_id() -> str:
    """A random id of an account: 62 bits."""
    return "".join(secrets.choice(_ID_SIGNS) for _ in range(_ID_LENGTH))


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who may sign in, as what. ``patient``: whose own account it is (our id), for the role patient alone.

    ``site``: where they work, or "". Raises DataError for what no account can have.
    """

    login: str
    name: str
    role: Role
    id: str = msgspec.field(default_factory=new_id)
    profession: str = ""
    site: str = ""
    patient: str = ""
    language: Language = "en"
    disabled: bool = False
    created: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not _ID(self.id):
            raise DataError(f"An account's id is {_ID_LENGTH} letters and digits.", hint="Leave it out.")
        if not _LOGIN(self.login):
            raise DataError(
                "A login is 2 to 100 letters, digits and . @ + - _, without spaces.", hint="Choose another."
            )
        if not self.name.strip() or len(self.name) > _LONGEST or not self.name.isprintable():
            raise DataError(f"A name is 1 to {_LONGEST} printable characters.", hint="Give the full name.")
        if len(self.site) > _LONGEST or not self.site.isprintable():
            raise DataError(f"A site is at most {_LONGEST} printable characters.", hint="Shorten it.")
        if self.role not in ROLES or self.role == "integrator":
            raise DataError(
                f"An account's role is one of {', '.join(ROLES[:-1])}; got {self.role!r}.",
                hint="Systems sign in with keys of their own.",
            )
        if self.profession and self.profession not in PROFESSIONS:
            raise DataError(f"A profession is one of {', '.join(PROFESSIONS)}, or empty.", hint="Choose one.")
        if self.language not in LANGUAGES:
            raise DataError(f"A language is one of {', '.join(LANGUAGES)}.", hint="Choose one.")
        if self.patient and self.role != "patient":
            raise DataError(
                "Only an account of the role patient is a patient's own.", hint="Leave the patient out."
            )
        check_utc(self.created, "When an account was made")

    @property
    def actor(self) -> str:
        """As the audit names them."""
        return f"account:{self.id}"

    @property
    def staff(self) -> bool:
        return self.role != "patient"
