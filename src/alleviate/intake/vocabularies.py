"""Of which kind an event most likely is, told by its code alone: for sources that do not say."""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files

from alleviate.instruments import instrument_of_panel, instrument_of_total, instruments_with_item
from alleviate.records import KINDS, Kind
from alleviate.terms.codes import SEPARATOR

__all__ = ["kind_of"]


@lru_cache(maxsize=65536)
def kind_of(code: str) -> Kind:
    """The kind of the longest beginning of ``code`` that ``vocabularies.toml`` names; else "measurement".

    The codes of an instrument are questionnaires.
    """
    if instrument_of_total(code) or instruments_with_item(code) or instrument_of_panel(code):
        return "questionnaire"
    known = _beginnings()
    parts = code.upper().split(SEPARATOR)
    for length in range(len(parts), 0, -1):
        kind = known.get(SEPARATOR.join(parts[:length]))
        if kind is not None:
            return kind
    return "measurement"


@cache
def _beginnings() -> dict[str, Kind]:
    table = tomllib.loads(files("alleviate.intake").joinpath("vocabularies.toml").read_text("utf-8"))
    return {beginning: kind for kind in KINDS for beginning in table.get(kind, ())}
