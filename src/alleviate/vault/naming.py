"""By what a person is found: ids, identifiers, and the family name with the date of birth."""

from collections.abc import Iterable

from alleviate.records import Event
from alleviate.terms.codes import SEPARATOR
from alleviate.vault.cipher import blind_index

__all__ = ["names_of", "names_sought"]

_IDENTIFIER = f"PERSON{SEPARATOR}identifier{SEPARATOR}"


def names_of(index_key: bytes, events: Iterable[Event]) -> set[bytes]:
    """The blind indexes of what an entry of the kind ``person`` says."""
    events = tuple(events)
    found = {
        blind_index(index_key, "identifier", event.text_value)
        for event in events
        if event.code.startswith(_IDENTIFIER) and event.text_value
    }
    born = [event.text_value or f"{event.time:%Y-%m-%d}" for event in events if event.code == "MEDS_BIRTH"]
    families = [
        event.text_value for event in events if event.code == f"PERSON{SEPARATOR}family" and event.text_value
    ]
    return found | {blind_index(index_key, "born", f"{family} {day}") for family in families for day in born}


def names_sought(index_key: bytes, text: str) -> list[bytes]:
    """What ``text`` may be: an identifier, or "Family 1970-05-01"."""
    return [blind_index(index_key, field, text) for field in ("identifier", "born")]
