"""The caseload as a page: sorted, filtered and searched on the server, and kept live by asking again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Header, Query, Response

from alleviate.clinic.caseload.glance import MeasureSeen
from alleviate.clinic.caseload.keys import keys_work
from alleviate.clinic.caseload.needs import NEEDS, Need
from alleviate.clinic.caseload.reading import read_caseload
from alleviate.clinic.caseload.urgency import SORTS, Asked
from alleviate.clinic.gate import Door, Visit, VisitOf
from alleviate.clinic.patient.followers import followers_of
from alleviate.clinic.patient.live import mark_of, packages_of, still_holds
from alleviate.clinic.patient.names import Names
from alleviate.clinic.patient.person import age_at, birth_date
from alleviate.instruments import INSTRUMENTS

__all__ = ["asked_for", "door"]

door = Door("caseload", prefix="/caseload")

Word = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=200)]


@door.page("/", action="caseload.see")
def caseload(
    visit: VisitOf,
    sort: Word = "urgent",
    need: Word = "",
    site: Word = "",
    treatment: Word = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    seen: Annotated[str, Query(max_length=80)] = "",
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Who needs me today, and why."""
    if seen and still_holds(visit, seen):
        return Response(status_code=204)
    if if_none_match and still_holds(visit, if_none_match):
        return Response(status_code=304, headers={"ETag": if_none_match})
    return _page(visit, asked_for(sort, need, site, treatment, "", page))


@door.form("/", action="caseload.see")
def search(
    visit: VisitOf,
    name: Field = "",
    sort: Field = "urgent",
    need: Field = "",
    site: Field = "",
    treatment: Field = "",
    page: Annotated[int, Form(ge=1, le=10_000)] = 1,
    seen: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """The same for a name or number, which is sent in a form: no address ever holds one."""
    if seen and still_holds(visit, seen):
        return Response(status_code=204)
    return _page(visit, asked_for(sort, need, site, treatment, name, page))


def asked_for(sort: str, need: str, site: str, treatment: str, name: str, page: int) -> Asked:
    """What is asked for; an unknown order is that of urgency, an unknown need is none."""
    return Asked(
        sort=sort if sort in SORTS else "urgent",
        need=need if need in (*NEEDS, "none") else "",
        site=site,
        treatment=treatment,
        name=name.strip(),
        page=page,
    )


def _page(visit: Visit, asked: Asked) -> Response:
    packages = packages_of(visit)
    found = read_caseload(visit, asked)
    mark = mark_of(packages ^ found.unseen.pulse, found.until)
    answer = visit.page(
        "caseload/list.html",
        asked=asked,
        found=found,
        live=mark,
        here=_here(asked),
        link=lambda **changed: _here(asked, **changed),
        names=Names(visit.services.accounts, visit._),
        instruments=INSTRUMENTS,
        named=lambda values: [(value, visit._(value)) for value in values],
        born=birth_date,
        age=partial(age_at, today=visit.now.date()),
        points=lambda measure: [(point.at, point.score) for point in measure.points],
        bands=_bands,
        grouped=_grouped,
        followed={follower.instrument_id for follower in followers_of(visit.services.shelf)},
        now=visit.now,
        keys=keys_work(visit),
    )
    answer.headers["ETag"] = f'"{mark}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _grouped(needs: Sequence[Need]) -> list[tuple[str, list[Need]]]:
    """By kind, in their order: a row tells the most urgent of each kind and how many more there are."""
    return [(kind, list(some)) for kind, some in groupby(needs, key=lambda need: need.kind)]


def _bands(measure: MeasureSeen) -> list[tuple[datetime, float, float]]:
    """(moment, low, high) of the scores that a course had foretold."""
    return [(p.at, p.low, p.high) for p in measure.points if p.low is not None and p.high is not None]


def _here(asked: Asked, **changed: Any) -> str:
    """The same page with other parameters, without those that are as usual and without any name."""
    usual: Mapping[str, Any] = {"sort": "urgent", "need": "", "site": "", "treatment": "", "page": 1}
    told = {"page": 1} if changed and "page" not in changed else {}
    wanted = {name: getattr(asked, name) for name in usual} | told | changed
    kept = {name: value for name, value in wanted.items() if value != usual.get(name)}
    return "/caseload/" + (f"?{urlencode(kept)}" if kept else "")
