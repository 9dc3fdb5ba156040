"""How this server answers: FHIR's media type, bundles, and OperationOutcome for what went wrong."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from fastapi.responses import Response
from starlette.requests import Request

__all__ = ["FhirResponse", "bundle", "outcome", "told"]

_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}


class FhirResponse(Response):
    """A resource as ``application/fhir+json``."""

    media_type = "application/fhir+json; charset=utf-8"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else msgspec.json.encode(content)


def outcome(status: int, *reasons: str, severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome with an issue a reason."""
    issue = {"severity": severity, "code": _CODES.get(status, "exception")}
    return {
        "resourceType": "OperationOutcome",
        "issue": [{**issue, "diagnostics": reason} for reason in reasons] or [issue],
    }


def told(request: Request, status: int, message: str, hint: str) -> Response:
    """What `alleviate.clinic.faults` answers under ``/fhir``."""
    return FhirResponse(outcome(status, f"{message} {hint}".strip()), status_code=status)


def bundle(
    kind: str,
    base: str,
    resources: Iterable[Mapping[str, Any]],
    *,
    total: int,
    links: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """A searchset, or another bundle of what is here."""
    entries = [
        {
            "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            **({"search": {"mode": "match"}} if kind == "searchset" else {}),
        }
        for resource in resources
    ]
    return {
        "resourceType": "Bundle",
        "type": kind,
        "total": total,
        "link": [{"relation": relation, "url": url} for relation, url in links],
        **({"entry": entries} if entries else {}),
    }
