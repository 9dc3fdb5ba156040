"""Codes of events, after MEDS: a vocabulary, then more, as ``LOINC//44261-6``, ``STUDY//jobs2//age``."""

from functools import lru_cache

from alleviate.terms.errors import DataError

__all__ = ["SEPARATOR", "check_code", "code", "parts"]

SEPARATOR = "//"


def code(*parts: str) -> str:
    """One code from its parts, none empty; a slash in a part becomes ``%2F``, so that no two collide."""
    joined = SEPARATOR.join(part.replace("%", "%25").replace("/", "%2F") for part in parts)
    check_code(joined)
    return joined


def parts(text: str) -> list[str]:
    """The parts that a code was made of: the inverse of `code`."""
    return [part.replace("%2F", "/").replace("%25", "%") for part in text.split(SEPARATOR)]


@lru_cache(maxsize=4096)
def check_code(text: str) -> None:
    """Raise DataError unless ``text`` is a code: parts between ``//``, none of them empty."""
    if not isinstance(text, str) or not all(text.split(SEPARATOR)):
        raise DataError(
            f"A code must be text with no empty part, got {text!r}.",
            hint='Like "LOINC//44261-6" or "STUDY//jobs2//age".',
        )
