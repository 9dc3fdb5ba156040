"""The keys of each registered system: as registered, or fetched from the one address that was registered."""

from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Any

from alleviate.clinic.machines.keys import PublicKey, key_of
from alleviate.clinic.machines.outside import Outside, OutsideError

__all__ = ["KeySets"]

FRESH, STALE = 600.0, 3600.0
"""Seconds for which a fetched set is used unasked, and where its address does not answer."""

_AGAIN = 30.0
"""Seconds in which an address is not asked a second time: nobody makes us ask by sending tokens."""


@dataclass(slots=True)
class _Held:
    keys: Any
    since: float
    tried: float


@dataclass(slots=True)
class KeySets:
    """One per process. Threads may share it."""

    outside: Outside
    _held: dict[str, _Held] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def find(self, registered: dict[str, Any] | None, url: str, kid: str, algorithm: str) -> PublicKey | None:
        """The key of that name, from the ``registered`` set or the one at ``url``; None where there is none.

        A name that is new is looked for again, since keys change. Raises OutsideError where nothing is known.
        """
        if registered is not None:
            return key_of(registered, kid, algorithm)
        if not url:
            return None
        found = key_of(self._of(url, FRESH), kid, algorithm)
        return found or key_of(self._of(url, _AGAIN), kid, algorithm)

    def _of(self, url: str, within: float) -> Any:
        """The set, not older than ``within`` seconds, unless it was tried less than a moment ago."""
        now = monotonic()
        with self._lock:
            held = self._held.get(url)
            if held and (now - held.since < within or now - held.tried < _AGAIN):
                return held.keys
            if held:
                held.tried = now
        try:
            keys = self.outside.get(url)
        except OutsideError:
            if held and held.keys is not None and now - held.since < STALE:
                return held.keys
            with self._lock:
                self._held[url] = _Held(None, now - STALE, now)
            raise
        with self._lock:
            self._held[url] = _Held(keys, now, now)
        return keys
