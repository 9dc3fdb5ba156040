"""Styles, scripts and pictures as built: each address carries the seal of the contents, so that browsers keep
them for good and a new build has new addresses."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from starlette.responses import Response

from alleviate.terms.errors import InputError

__all__ = ["FOLDER", "Assets"]

FOLDER = Path(sys.prefix) / "share" / "alleviate" / "web"
"""Of this environment: npm's packages and, in ``built``, what is made of them."""

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_PACKED = (("br", ".br"), ("gzip", ".gz"))


@dataclass(frozen=True, slots=True)
class _Asset:
    kind: str
    body: bytes
    packed: dict[str, bytes]


class Assets:
    """What ``folder`` holds, read once. Raises InputError where nothing was built."""

    def __init__(self, folder: Path = FOLDER / "built") -> None:
        found = {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}
        self._assets = {
            name: _Asset(
                _KINDS[Path(name).suffix],
                body,
                {word: found[name + ending] for word, ending in _PACKED if name + ending in found},
            )
            for name, body in found.items()
            if Path(name).suffix in _KINDS
        }
        if "alleviate.css" not in self._assets:
            raise InputError(
                f"The clinic's styles and scripts are not in {folder}.",
                hint="Build them: python -m alleviate.clinic.looks.web.build",
            )
        seal = hashlib.sha256()
        for name, asset in sorted(self._assets.items()):
            seal.update(name.encode() + b"\0" + hashlib.sha256(asset.body).digest())
        self.seal = seal.hexdigest()[:16]
        self.names = tuple(sorted(self._assets))
        self._forever = MappingProxyType({"Cache-Control": "public, max-age=31536000, immutable"})

    def url(self, name: str) -> str:
        """The address of ``name``. Raises InputError for what was not built."""
        if name not in self._assets:
            raise InputError(f"There is no asset {name!r}.", hint=f"One of: {', '.join(self._assets)}.")
        return f"/assets/{self.seal}/{name}"

    def answer(self, seal: str, name: str, accepted: str) -> Response | None:
        """``name`` of the build ``seal``, packed as the browser accepts; None where there is none."""
        if seal != self.seal or name not in self._assets:
            return None
        return self._answer(self._assets[name], accepted, dict(self._forever))

    def script(self, name: str, accepted: str) -> Response:
        """A script under an address that stays the same, so that each visit asks whether it is new."""
        told = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
        return self._answer(self._assets[name], accepted, told)

    def _answer(self, asset: _Asset, accepted: str, told: dict[str, str]) -> Response:
        told = {**told, "Vary": "Accept-Encoding"}
        words = {part.strip() for part in accepted.lower().split(",")}  # one with a weight is not believed
        for word, body in asset.packed.items():
            if word in words:
                return Response(body, media_type=asset.kind, headers={**told, "Content-Encoding": word})
        return Response(asset.body, media_type=asset.kind, headers=told)
