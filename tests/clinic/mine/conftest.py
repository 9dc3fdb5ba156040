"""An invitation to somebody of the clinic, and a browser at its link."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alleviate.clinic.invitations import Invited, invite


@pytest.fixture
def asked(clinic: Any) -> Callable[..., Invited]:
    """Invites the person of this number (the first: who has a sign-in) to fill in these instruments."""

    def ask(person: int = 0, *instruments: str, days: int = 7) -> Invited:
        by = clinic.accounts["clinician"].actor
        now = clinic.clock()
        return invite(
            clinic.vault.access(actor=by, purpose="care"),
            clinic.services.accounts,
            by,
            clinic.patients[person],
            instruments=instruments or ("phq9",),
            due=(now + timedelta(days=days)).date(),
            now=now,
        )

    return ask
