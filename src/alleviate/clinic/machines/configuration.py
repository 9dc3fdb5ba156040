"""What a SMART client can find out by itself: where tokens are given, to whom, and for what.

Source: https://hl7.org/fhir/smart-app-launch/conformance.html
"""

from typing import Any

from starlette.requests import Request

from alleviate.clinic.gate import Door, services_of
from alleviate.clinic.machines.backend import GRANT
from alleviate.clinic.machines.keys import ALGORITHMS

__all__ = ["door"]

_WHY = "Says where systems get their tokens, and nothing of anybody."

door = Door("machines: configuration")


@door.open("/.well-known/smart-configuration", why=_WHY)
@door.open("/fhir/.well-known/smart-configuration", why=_WHY)
def configuration(request: Request) -> dict[str, Any]:
    """The SMART configuration, at the clinic's own address and at that of its FHIR interface."""
    base = services_of(request).settings.base_url.rstrip("/")
    return {
        "token_endpoint": f"{base}/oauth/token",
        "grant_types_supported": [GRANT],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": ["system/*.rs", "system/*.read", "system/*.cud", "system/*.write"],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }
