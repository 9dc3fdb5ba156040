"""The addresses of the FHIR server; https://hl7.org/fhir/R4/http.html says what each is for."""

from collections.abc import Iterator
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from starlette.requests import Request

from alleviate.clinic.fhir.answers import FhirResponse, bundle, outcome
from alleviate.clinic.fhir.capability import capability
from alleviate.clinic.fhir.exporting import KEPT, Job, lines, manifest, new_job
from alleviate.clinic.fhir.incoming import Came, parcel, store
from alleviate.clinic.fhir.search import asked
from alleviate.clinic.fhir.served import address, kinds_of, patient_in, resources
from alleviate.clinic.gate import Door, Visit, VisitOf, services_of
from alleviate.clinic.machines.scopes import permits
from alleviate.clinic.who import Who
from alleviate.intake.fhir.types import TYPES
from alleviate.terms.errors import DataError, RefusedError
from alleviate.vault.written import mark

__all__ = ["doors"]

door = Door("fhir", prefix="/fhir")
doors = (door,)

_MOST_PEOPLE = 20
_NAMING = ("identifier", "family", "birthdate")
"""By which people are looked up, exactly."""
_EXPORT = "fhir-export"


@door.open("/metadata", why="Says what the server can do; every FHIR client asks for it first.")
def metadata(request: Request) -> FhirResponse:
    """The CapabilityStatement."""
    return FhirResponse(capability(_base(request), services_of(request).settings.base_url))


@door.data("/$export", action="fhir.export")
@door.data("/Patient/$export", action="fhir.export")
def export(visit: VisitOf, _type: str = "", _since: str = "", _outputFormat: str = "") -> Response:
    """Begin a bulk export; its files are ready at once, and made while they are sent."""
    if "respond-async" not in visit.request.headers.get("prefer", ""):
        return FhirResponse(outcome(400, "Send the header Prefer: respond-async."), 400)
    if _outputFormat not in ("", "application/fhir+ndjson", "application/ndjson", "ndjson"):
        return FhirResponse(outcome(400, "_outputFormat is application/fhir+ndjson."), 400)
    accounts = visit.services.accounts
    job = new_job(
        visit.who.actor,
        visit.now,
        str(visit.request.url),
        types=_type,
        since=_since,
        mark=mark(visit.services.vault),
        before=accounts.notices(_EXPORT),
    )
    for name in job.types:
        check_scope(visit.who, name, "r")
    accounts.notice(visit.who.actor, _EXPORT, job.id, job.to_json())
    place = f"{_base(visit.request)}/$export-status/{job.id}"
    return Response(status_code=202, headers={"Content-Location": place})


@door.data("/$export-status/{job}", action="fhir.export")
def export_status(visit: VisitOf, job: str) -> Response:
    """The files of an export."""
    found = _job(visit, job)
    headers = {"Expires": (found.moment + KEPT).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    return Response(
        content=FhirResponse(manifest(found, _base(visit.request))).body,
        media_type="application/json",
        headers=headers,
    )


@door.data("/$export-status/{job}", action="fhir.export", methods=["DELETE"])
def export_ended(visit: VisitOf, job: str) -> Response:
    """No more files of this export are given."""
    found = _job(visit, job)
    visit.services.accounts.notice(visit.who.actor, _EXPORT, found.id, {})
    return Response(status_code=202)


@door.data("/$export-file/{job}/{type}", action="fhir.export")
def export_file(visit: VisitOf, job: str, type: str) -> Response:
    """One file of an export, written from the vault while it is sent."""
    found = _job(visit, job)
    if type not in found.types:
        raise DataError(f"This export has no file of {type[:40]!r}.", hint="Ask for what its manifest names.")
    check_scope(visit.who, type, "r")
    return StreamingResponse(_streamed(found, type, visit), media_type="application/fhir+ndjson")


@door.data("/Patient/{patient}/$everything", action="fhir.read")
def everything(visit: VisitOf) -> FhirResponse:
    """All that the clinic holds of one person."""
    for name in TYPES:
        check_scope(visit.who, name, "r")
    found = list(resources(visit.access.chart(visit.patient).record, visit.patient))
    return FhirResponse(bundle("searchset", _base(visit.request), found, total=len(found)))


def _by_id(request: Request) -> str:
    return patient_in(str(request.path_params["id"]))


def _by_query(request: Request) -> str:
    """Whom a search is about: ``patient``, ``subject``, for Patient ``_id`` too."""
    query = request.query_params
    named = query.get("patient") or query.get("subject") or ""
    if not named and request.path_params.get("type") == "Patient":
        named = query.get("_id") or ""
    return patient_in(named.removeprefix("Patient/"))


@door.data("/{type}/{id}", action="fhir.read", about=_by_id)
def read(visit: VisitOf, type: str, id: str) -> FhirResponse:
    """One resource, by its id here."""
    _known(type)
    check_scope(visit.who, type, "r")
    for resource in _of(visit, type):
        if resource["id"] == id:
            return FhirResponse(resource)
    return FhirResponse(outcome(404, "There is nothing here, or it is not open to you."), 404)


@door.data("/{type}", action="fhir.read", about=_by_query)
def search(visit: VisitOf, type: str) -> FhirResponse:
    """What fits of one person's; a Patient also by ``identifier``, or by ``family`` and ``birthdate``."""
    _known(type)
    check_scope(visit.who, type, "s")
    query = visit.request.query_params.multi_items()
    if not visit.patient and type == "Patient":
        return _searched_for_people(visit, dict(query))
    if not visit.patient:
        return FhirResponse(
            outcome(400, "A search here is about one person: give patient=<id>."), status_code=400
        )
    strict = "handling=strict" in visit.request.headers.get("prefer", "")
    wanted = asked(type, query, strict=strict)
    found = wanted.found(_of(visit, type))
    page = found[wanted.offset : wanted.offset + wanted.count]
    links = [("self", str(visit.request.url))]
    if wanted.offset + wanted.count < len(found):
        following = visit.request.url.include_query_params(
            _offset=wanted.offset + wanted.count, _count=wanted.count
        )
        links.append(("next", str(following)))
    return FhirResponse(bundle("searchset", _base(visit.request), page, total=len(found), links=links))


@door.data("", action="fhir.write", methods=["POST"])
@door.data("/", action="fhir.write", methods=["POST"])
async def transaction(visit: VisitOf) -> FhirResponse:
    """A batch, each entry by itself, or a transaction, whole or not at all."""
    return await _taken(visit, await visit.request.body(), whole=None)


@door.data("/{type}", action="fhir.write", methods=["POST"])
async def create(visit: VisitOf, type: str) -> FhirResponse:
    """Store one resource."""
    _known(type)
    return await _taken(visit, await visit.request.body(), whole=type)


@door.data("/{type}/{id}", action="fhir.write", methods=["PUT"])
async def update(visit: VisitOf, type: str, id: str) -> FhirResponse:
    """Store one resource under the source's own id, or correct it."""
    _known(type)
    return await _taken(visit, await visit.request.body(), whole=type, id=id)


def _base(request: Request) -> str:
    return f"{services_of(request).settings.base_url}/fhir"


def check_scope(who: Who, type: str, right: str) -> None:
    """Raises RefusedError where a system's token does not open this; people have no scopes."""
    if who.role == "integrator" and not permits(who.scopes, type, right):
        raise RefusedError("The token does not open this.", hint="Ask for the scope it needs.")


def _known(type: str) -> None:
    if type not in TYPES:
        raise DataError(f"{type[:40]} is not held here.", hint=f"Held are: {', '.join(TYPES)}.")


def _of(visit: Visit, type: str) -> list[dict[str, Any]]:
    """The resources of this type of the person concerned."""
    chart = visit.access.chart(visit.patient, kinds=kinds_of(type))
    return [each for each in resources(chart.record, visit.patient) if each["resourceType"] == type]


def _searched_for_people(visit: Visit, query: dict[str, str]) -> FhirResponse:
    """Whoever has this identifier, or this family name and date of birth: exactly, and few."""
    identifier = query.get("identifier", "").rpartition("|")[2]
    text = identifier or f"{query.get('family', '')} {query.get('birthdate', '').removeprefix('eq')}".strip()
    if not identifier and not (query.get("family") and query.get("birthdate")):
        why = "People are searched by identifier, or by family and birthdate together."
        return FhirResponse(outcome(400, why), 400)
    found = []
    for subject in visit.access.find(text)[:_MOST_PEOPLE]:
        patient = visit.services.vault.our_id(subject)
        if patient is None:
            continue
        chart = visit.access.chart(patient, kinds=kinds_of("Patient"))
        found += [each for each in resources(chart.record, patient) if each["resourceType"] == "Patient"]
    rest = asked("Patient", [each for each in query.items() if each[0] not in _NAMING])
    found = rest.found(found)
    links = [("self", str(visit.request.url))]
    return FhirResponse(bundle("searchset", _base(visit.request), found, total=len(found), links=links))


def _job(visit: Visit, id: str) -> Job:
    """An export of whoever asks. Raises RefusedError for another's, an ended and an unknown one alike."""
    told = [each for each in visit.services.accounts.notices(_EXPORT) if each.subject == id]
    if told and told[-1].body and told[-1].body["by"] == visit.who.actor:
        job = Job.from_json(id, told[-1].body)
        if visit.now - job.moment <= KEPT:
            return job
    raise RefusedError("There is no such export.", hint="Begin one with $export.")


def _streamed(job: Job, type: str, visit: Visit) -> Iterator[bytes]:
    yield from lines(job, type, visit.access, visit.services.vault)


async def _taken(visit: Visit, data: bytes, *, whole: str | None, id: str | None = None) -> FhirResponse:
    return await run_in_threadpool(_stored, visit, data, whole, id)


def _stored(visit: Visit, data: bytes, whole: str | None, id: str | None) -> FhirResponse:
    read = parcel(data, visit.access, visit.services.vault, visit.now)
    for name in read.types:
        check_scope(visit.who, name, "u" if id else "c")
    if whole is not None:
        if read.types != {whole} or (id is not None and read.id != id):
            return FhirResponse(outcome(400, f"The address is of {whole}/{id or ''}, the body is not."), 400)
        if read.refused:
            return FhirResponse(outcome(422, *read.refused), 422)
        (only,) = store(visit.access, read, visit.now)
        return _one(visit, only)
    if read.transaction and read.refused:
        return FhirResponse(outcome(400, *read.refused), 400)
    done = store(visit.access, read, visit.now)
    entries = [{"response": _response(visit, one)} for one in done]
    kind = "transaction-response" if read.transaction else "batch-response"
    return FhirResponse({"resourceType": "Bundle", "type": kind, "entry": entries})


def _one(visit: Visit, came: Came) -> FhirResponse:
    if came.reason:
        return FhirResponse(outcome(422, came.reason), 422)
    response = FhirResponse(outcome(201, "Stored.", severity="information"), 201)
    if (place := _address(visit, came)) is not None:
        response.headers["Location"] = place
    return response


def _response(visit: Visit, came: Came) -> dict[str, Any]:
    if came.reason:
        return {"status": "422", "outcome": outcome(422, came.reason)}
    place = _address(visit, came)
    return {"status": "201", **({"location": place} if place else {})}


def _address(visit: Visit, came: Came) -> str | None:
    if came.entry is None:
        return None
    patient = visit.services.vault.our_id(came.entry.subject_id)
    return None if patient is None else f"{_base(visit.request)}/{address(came.entry, patient)}"
