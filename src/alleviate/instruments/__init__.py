"""Questionnaires as data, one folder each: items, scoring, cut-offs, change rules, licence, examples."""

from alleviate.instruments.frames import score_frame
from alleviate.instruments.instrument import Instrument
from alleviate.instruments.parts import Item, Score
from alleviate.instruments.shelf import (
    INSTRUMENTS,
    instrument_of_panel,
    instrument_of_total,
    instruments_with_item,
)

__all__ = [
    "INSTRUMENTS",
    "Instrument",
    "Item",
    "Score",
    "instrument_of_panel",
    "instrument_of_total",
    "instruments_with_item",
    "score_frame",
]
