"""Reads what a client did not send along from its own FHIR server, where the settings name that server."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from alleviate.clinic.cds.asked import Asked
from alleviate.clinic.machines.outside import Outside, OutsideError, same_place

__all__ = ["fetched"]

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_TOKEN = "{{context.patientId}}"
_AT_ONCE = 4


def fetched(
    asked: Asked, templates: Mapping[str, str], patient: str, servers: tuple[str, ...], outside: Outside
) -> dict[str, Any]:
    """Of the ``templates`` those that could be had, by their keys; nothing from a server that is not named.

    A server that fails gives nothing: whoever needs what is missing says so.
    """
    if asked.fhir_server is None or asked.fhir_authorization is None or not _FHIR_ID.match(patient):
        return {}
    base = str(asked.fhir_server).rstrip("/")
    if not any(_same(base, server) for server in servers):
        return {}
    headers = {
        "Authorization": f"Bearer {asked.fhir_authorization.access_token}",
        "Accept": "application/fhir+json",
    }
    urls = {key: f"{base}/{query.replace(_TOKEN, quote(patient))}" for key, query in templates.items()}

    def one(url: str) -> Any:
        try:
            return outside.get(url, headers)
        except OutsideError:
            return None

    with ThreadPoolExecutor(_AT_ONCE) as several:
        found = dict(zip(urls, several.map(one, urls.values()), strict=True))
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def _same(one: str, other: str) -> bool:
    return same_place(one, other) and same_place(other, one)
