"""The languages that the clinic speaks, and which of them a reader gets."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO, StringIO

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request

__all__ = ["COOKIE", "DOMAIN", "LANGUAGES", "Language", "catalogue", "chosen", "language"]

DOMAIN = "alleviate"
COOKIE = "alleviate-language"

_LOCALES = {"en": "en_GB", "de": "de_DE"}
LANGUAGES = tuple(_LOCALES)


@dataclass(frozen=True, slots=True)
class Language:
    """``code``, its own name for itself, how it writes dates and numbers, and its words."""

    code: str
    name: str
    locale: Locale
    words: NullTranslations


@cache
def language(code: str) -> Language:
    """One of LANGUAGES; English for any other."""
    code = code if code in _LOCALES else "en"
    locale = Locale.parse(_LOCALES[code])
    words: NullTranslations = NullTranslations()
    if code != "en":
        packed = BytesIO()
        write_mo(packed, catalogue(code))
        packed.seek(0)
        words = Translations(packed, domain=DOMAIN)
    name = Locale.parse(code).get_display_name(code) or code
    return Language(code, name[0].upper() + name[1:], locale, words)


def catalogue(code: str) -> Catalog:
    """The translations of ``code`` as written in its .po file."""
    path = files("alleviate.clinic.looks") / "locale" / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    return read_po(StringIO(path.read_text(encoding="utf-8")), locale=code, domain=DOMAIN)


def chosen(request: Request, account: str = "", record: str = "") -> Language:
    """What was asked for now (?lang=), else chosen here before, else the account's, else the browser's.

    ``record``: what the clinic knows of somebody who chose none, where the browser wishes for none of ours.
    """
    accepted = (part.split(";")[0].strip()[:2].lower() for part in _by_wish(request))
    asked, before = request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")
    wishes = (asked, before, account, *accepted, record)
    return language(next((wish for wish in wishes if wish in _LOCALES), "en"))


def _by_wish(request: Request) -> list[str]:
    parts = [part for part in request.headers.get("accept-language", "")[:500].split(",") if part.strip()]
    return sorted(parts, key=_weight, reverse=True)


def _weight(part: str) -> float:
    try:
        return float(part.partition("q=")[2] or 1)
    except ValueError:
        return 0.0
