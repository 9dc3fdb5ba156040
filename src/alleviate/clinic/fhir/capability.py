"""What this server can do, as a CapabilityStatement."""

from typing import Any

from alleviate import __version__
from alleviate.clinic.fhir.search import PARAMETERS
from alleviate.intake.fhir.types import TYPES

__all__ = ["capability"]

_RELEASED = "2026-11-23"
_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def capability(base: str, site: str) -> dict[str, Any]:
    """``base``: of the FHIR server; ``site``: of the clinic, without a slash at the end."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _RELEASED,
        "kind": "instance",
        "software": {"name": "Alleviate", "version": __version__},
        "implementation": {"description": "The records of this clinic", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "SMART-on-FHIR",
                                }
                            ]
                        }
                    ],
                    "extension": [
                        {"url": _OAUTH, "extension": [{"url": "token", "valueUri": f"{site}/oauth/token"}]}
                    ],
                },
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
                "operation": [
                    {
                        "name": "export",
                        "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
                    }
                ],
                "resource": [
                    {
                        "type": name,
                        "interaction": [
                            {"code": code} for code in ("read", "search-type", "create", "update")
                        ],
                        "versioning": "no-version",
                        "readHistory": False,
                        "updateCreate": True,
                        "searchParam": _parameters(name),
                        **(
                            {
                                "operation": [
                                    {
                                        "name": "everything",
                                        "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
                                    }
                                ]
                            }
                            if name == "Patient"
                            else {}
                        ),
                    }
                    for name in TYPES
                ],
            }
        ],
    }


def _parameters(type: str) -> list[dict[str, str]]:
    own = [{"name": name, "type": kind} for name, (kind, *_) in PARAMETERS[type].items()]
    if type != "Patient":
        return [{"name": "patient", "type": "reference", "documentation": "Required."}, *own]
    told = "One of them is required: _id; identifier; family and birthdate, exactly as they are written."
    return [{**each, "documentation": told} if each["name"] in _NAMING else each for each in own]


_NAMING = ("_id", "identifier", "family", "birthdate")
