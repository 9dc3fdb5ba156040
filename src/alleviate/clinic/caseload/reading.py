"""The caller's own caseload, read in one step: for the page and for programs alike."""

from collections.abc import Sequence
from hashlib import blake2b

from alleviate import __version__
from alleviate.clinic.caseload.glance import glance_of, packed
from alleviate.clinic.caseload.kept import KeptCaseloads
from alleviate.clinic.caseload.rules import default_rules
from alleviate.clinic.caseload.urgency import Asked, Shown, shown
from alleviate.clinic.gate import Visit
from alleviate.clinic.patient.followed import Follower
from alleviate.clinic.patient.followers import followers_of
from alleviate.vault.caseload import Glance, Unseen
from alleviate.vault.charts import Chart

__all__ = ["read_caseload"]

_FORM = "3"
"""Of a glance: another number has all of them derived anew."""


def read_caseload(visit: Visit, asked: Asked) -> Shown:
    """The page that is asked for. Each person on it is one event "read" in the audit, and nobody else is."""
    followers = followers_of(visit.services.shelf)
    account, now, rules = visit.who.key, visit.now, default_rules()
    seen: list[Shown] = []
    apart: list[Unseen] = []

    def derive(chart: Chart) -> bytes:
        return packed(glance_of(chart, followers))

    def pick(glances: Sequence[Glance]) -> list[str]:
        everybody = _kept(visit).everybody(account, glances, now, rules)
        seen.append(shown(everybody, asked, apart[-1]))
        return [one.glance.patient for one in seen[-1].people]

    visit.access.caseload(account, derive, pick, version=_version(followers), apart=apart.append)
    return seen[-1]


def _kept(visit: Visit) -> KeptCaseloads:
    found: KeptCaseloads = visit.services.kept.setdefault("caseload.kept", KeptCaseloads())
    return found


def _version(followers: Sequence[Follower]) -> str:
    said = " ".join((_FORM, __version__, *(repr(follower) for follower in followers)))
    return blake2b(said.encode(), digest_size=16).hexdigest()
