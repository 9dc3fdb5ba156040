"""What the administrator's form says of an account."""

from datetime import datetime
from typing import Annotated, Any, Self, cast

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from alleviate.decisions.permissions import Role
from alleviate.vault.accounts import Account, Language

__all__ = ["Filled", "changed", "made"]


class Filled(BaseModel):
    """As it was sent; `Account` judges it."""

    model_config = ConfigDict(str_strip_whitespace=True, frozen=True)

    login: Annotated[str, Field(max_length=100)] = ""
    name: Annotated[str, Field(max_length=200)] = ""
    role: Annotated[str, Field(max_length=40)] = ""
    profession: Annotated[str, Field(max_length=40)] = ""
    site: Annotated[str, Field(max_length=200)] = ""
    patient: Annotated[str, Field(max_length=64)] = ""
    language: Annotated[str, Field(max_length=10)] = "en"
    csrf: Annotated[str, Field(max_length=300, exclude=True)] = ""

    @classmethod
    def of(cls, account: Account) -> Self:
        """As it stands."""
        return cls(**{name: getattr(account, name) for name in cls.model_fields if name != "csrf"})

    def fields(self) -> dict[str, Any]:
        """Of an account. Only who cares for people has a profession, only a patient is one."""
        of_patient = self.role == "patient"
        return {
            "login": self.login,
            "name": self.name or (self.login if of_patient else ""),
            "role": cast(Role, self.role),
            "profession": self.profession if self.role in ("clinician", "trainee") else "",
            "site": self.site,
            "patient": self.patient if of_patient else "",
            "language": cast(Language, self.language),
        }


def made(filled: Filled, now: datetime) -> Account:
    """A new account. Raises DataError."""
    return Account(**filled.fields(), created=now)


def changed(filled: Filled, account: Account) -> Account:
    """The account as the form says. Raises DataError."""
    return msgspec.structs.replace(account, **filled.fields())
