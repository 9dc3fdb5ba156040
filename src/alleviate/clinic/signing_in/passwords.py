"""Passwords: which are refused, how they are kept, how one is judged without telling whose it is."""

import re
import secrets
import threading
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alleviate.terms.errors import DataError

__all__ = ["FEWEST", "check_password", "hashed", "matches", "one_time", "outdated"]

FEWEST = 12
"""Characters of a password."""

_MOST = 256
_SHORTEST_RUN = 4
_AT_ONCE = threading.BoundedSemaphore(4)
"""Each hash takes 64 MiB: who sends many guesses at once waits, and the memory lasts."""

_HASHER = PasswordHasher()  # argon2id as RFC 9106 recommends it for 64 MiB
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


@cache
def _nobodys() -> str:
    """What an unknown login is judged against, so that it takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(32))


def hashed(password: str) -> str:
    """As it is kept: argon2id, with a salt of its own."""
    with _AT_ONCE:
        return _HASHER.hash(_form(password))


def matches(kept: str, password: str) -> bool:
    """Whether it is the password. ``kept`` "": nobody's; takes as long, and is False."""
    with _AT_ONCE:
        try:
            right = _HASHER.verify(kept or _nobodys(), _form(password)[:_MOST])
        except (VerificationError, InvalidHashError):
            return False
    return right and bool(kept)


def outdated(kept: str) -> bool:
    """Whether it was hashed with less than is asked for today."""
    return _HASHER.check_needs_rehash(kept)


def one_time() -> str:
    """A password for one time, to be read aloud: 20 letters and digits, 99 bits."""
    signs = [secrets.choice(_READABLE) for _ in range(20)]
    return "-".join("".join(signs[start : start + 5]) for start in range(0, 20, 5))


def check_password(password: str, own: Iterable[str] = ()) -> None:
    """Raises DataError for one that is short, common, or made of the person's ``own`` words."""
    text = _form(password)
    length = min(len(text), len(password))  # some signs are written as several
    if length < FEWEST:
        raise DataError(
            f"A password has {FEWEST} characters or more, this one has {length}.",
            hint="Three or four words that have nothing to do with each other are easy to remember.",
        )
    if len(text) > _MOST:
        raise DataError(f"A password has at most {_MOST} characters.", hint="Choose a shorter one.")
    if _common(text, own):
        raise DataError(
            "This password is one of the first that anybody would guess.",
            hint="Three or four words that have nothing to do with each other are easy to remember.",
        )


def _common(text: str, own: Iterable[str]) -> bool:
    """Whether nothing is left once common words, runs, repetitions and own words are taken out."""
    listed = _listed()
    own_words = {part for word in own for part in re.split(r"[\W_\d]+", _form(word).lower()) if len(part) > 2}
    words = sorted({*listed[0], *own_words}, key=len, reverse=True)
    lower = text.lower()
    undone = "".join(listed[2].get(sign, sign) for sign in lower)
    return any(_left(each, words, listed[1]) < _SHORTEST_RUN for each in (lower, undone))


def _left(text: str, words: Iterable[str], runs: Iterable[str]) -> int:
    """How many letters stand for themselves; digits and signs around words do not count."""
    text = re.sub(r"(.+?)\1{2,}", r"\1", text)  # the same again and again
    text = _without_runs(text, runs)
    for word in words:
        text = text.replace(word, " ")
    text = re.sub(r"[\W\d_]+", "", text)
    return len(text) if len(set(text)) > 2 else 0


def _without_runs(text: str, runs: Iterable[str]) -> str:
    """``text`` without stretches of 4 or more keys that lie, or letters that stand, side by side."""
    joined = "\n".join(runs)
    kept, start = "", 0
    while start < len(text):
        end = start + 1
        while end <= len(text) and "\n" not in text[start:end] and text[start:end] in joined:
            end += 1
        length = end - 1 - start
        if length >= _SHORTEST_RUN:
            kept, start = kept + " ", start + length
        else:
            kept, start = kept + text[start], start + 1
    return kept


@cache
def _listed() -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    text = (files("alleviate.clinic.signing_in") / "common.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    return tuple(found["words"]), tuple(found["runs"]), dict(found["written_as"])


def _form(password: str) -> str:
    """One text, however the keyboard composes its letters."""
    return unicodedata.normalize("NFKC", password)
