"""Where the vault lies and who acts, where nobody says otherwise."""

import os
import pwd
import re

from alleviate.packages import home

__all__ = ["acting", "place"]


def place(vault: str | None = None) -> str:
    """As given, else ``ALLEVIATE_VAULT``, else ``vault.db`` in the home folder."""
    return vault or os.environ.get("ALLEVIATE_VAULT") or str(home() / "vault.db")


def acting() -> str:
    """Who acts, as the audit names them: the user of the process, not of the environment."""
    number = os.geteuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # in a container, say
        name = str(number)
    return "os:" + re.sub(r"[^\w.@-]", "-", name)
