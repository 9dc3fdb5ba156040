"""All instruments, found by folder, and by the codes that their items, totals and panels carry."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from alleviate.instruments.instrument import Instrument
from alleviate.terms.errors import DataError

__all__ = ["INSTRUMENTS", "instrument_of_panel", "instrument_of_total", "instruments_with_item", "read"]

FOLDER = Path(__file__).parent


def read(folder: Path) -> Instrument:
    """The instrument in ``folder/instrument.toml``; its id is the folder's name. Raises DataError.

    What several items share stands once, under ``[scale]`` for all of them, or under ``[scales.NAME]`` for
    those that say ``scale = "NAME"``.
    """
    path = folder / "instrument.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        shared, scales = data.pop("scale", {}), data.pop("scales", {})
        data["items"] = [{**shared, **_scaled(item, scales)} for item in data.get("items", [])]
        return msgspec.convert({"id": folder.name, **data}, Instrument)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no instrument: {error}", hint="See docs/instruments.md.") from None


def _scaled(item: dict[str, Any], scales: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    own = {key: value for key, value in item.items() if key != "scale"}
    if (name := item.get("scale")) is None:
        return own
    if name not in scales:
        raise DataError(f"Item {item.get('id')} is on the scale {name!r}.", hint=f"Write [scales.{name}].")
    return {**scales[name], **own}


class _Shelf(Mapping[str, Instrument]):
    """Each instrument is read when it is first asked for; their ids are the names of the folders."""

    def __getitem__(self, id: str) -> Instrument:
        if id not in _ids():
            raise KeyError(id)
        return _read_once(id)

    def __iter__(self) -> Iterator[str]:
        return iter(_ids())

    def __len__(self) -> int:
        return len(_ids())


INSTRUMENTS: Mapping[str, Instrument] = _Shelf()
"""Every instrument by its id, in alphabetical order."""


@cache
def _ids() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/instrument.toml")))


@cache
def _read_once(id: str) -> Instrument:
    return read(FOLDER / id)


@cache
def _by_code() -> tuple[dict[str, tuple[Instrument, ...]], dict[str, Instrument], dict[str, Instrument]]:
    """Instruments by the code of an item, of the total and of a panel."""
    with_item: dict[str, tuple[Instrument, ...]] = {}
    for instrument in INSTRUMENTS.values():
        for item in instrument.items:
            with_item[item.code] = (*with_item.get(item.code, ()), instrument)
    return (
        with_item,
        {instrument.total_code: instrument for instrument in INSTRUMENTS.values()},
        {code: instrument for instrument in INSTRUMENTS.values() for code in instrument.panel_codes},
    )


def instruments_with_item(code: str) -> tuple[Instrument, ...]:
    """The instruments that ask the question of this code ("LOINC//44250-9"): PHQ-9 and PHQ-4 share some."""
    return _by_code()[0].get(code, ())


def instrument_of_total(code: str) -> Instrument | None:
    """The instrument whose total has this code."""
    return _by_code()[1].get(code)


def instrument_of_panel(code: str) -> Instrument | None:
    """The instrument that a panel or form of this code is."""
    return _by_code()[2].get(code)
