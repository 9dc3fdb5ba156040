"""How small and from when the tests' demonstration is."""

from datetime import UTC, datetime

from alleviate.clinic.demo.building import Size

__all__ = ["NOW", "SIZE"]

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SIZE = Size(current=24, recent=10, past=700)
