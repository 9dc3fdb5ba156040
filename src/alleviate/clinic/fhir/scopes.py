"""SMART scopes of systems: ``system/Observation.rs``, ``system/*.read`` (SMART App Launch 2, 1).

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

import re

from alleviate.clinic.who import Who
from alleviate.terms.errors import RefusedError

__all__ = ["allows", "check_scope"]

_SCOPE = re.compile(r"(system|user|patient)/(\*|[A-Za-z]+)\.(\*|read|write|c?r?u?d?s?)\Z")
_OLD = {"read": "rs", "write": "cud", "*": "cruds"}


def allows(scopes: frozenset[str], type: str, deed: str) -> bool:
    """Whether one of ``scopes`` opens ``deed`` (of c, r, u, d, s) on this type of resource."""
    for scope in scopes:
        match = _SCOPE.match(scope)
        if match and match[2] in ("*", type) and deed in _OLD.get(match[3], match[3]):
            return True
    return False


def check_scope(who: Who, type: str, deed: str) -> None:
    """Raises RefusedError where a system's token does not open this; people have no scopes."""
    if who.role == "integrator" and not allows(who.scopes, type, deed):
        raise RefusedError(f"The token does not open {type} for this.", hint="Ask for the scope it needs.")
