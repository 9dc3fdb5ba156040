"""In which wording a proposal is shown: its figures are stored, the sentences around them are in files."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from alleviate.clinic.looks.languages import LANGUAGES, language

__all__ = ["wording"]

_TEMPLATES = ("recommending/shown.html", "parts/drawings.html")
_DIGITS = 12


@cache
def wording() -> str:
    """Changes with the templates that show a proposal, and with what their sentences are in any language."""
    seal = hashlib.sha256()
    for name in _TEMPLATES:
        text = (files("alleviate.clinic.looks") / "templates" / name).read_text(encoding="utf-8")
        seal.update("\0".join([text, *_said(text)]).encode())
    return seal.hexdigest()[:_DIGITS]


def _said(text: str) -> Iterator[str]:
    house = Environment(
        autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
    )
    for _, _, words in extract_from_ast(house.parse(text)):
        one, several, *_ = (*words, None) if isinstance(words, tuple) else (words, None)
        for catalogue in (language(code).words for code in LANGUAGES):
            if one and several:
                yield from (catalogue.ngettext(one, several, number) for number in (1, 2))
            elif one:  # no constant: words that are stored with the proposal
                yield catalogue.gettext(one)
