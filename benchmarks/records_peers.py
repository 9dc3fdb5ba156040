"""Other readers of FHIR on the same file, one process each. They parse and validate; they store nothing."""

from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from time import perf_counter

__all__ = ["PEERS", "race"]


def _fhir_resources() -> Callable[[bytes], object]:
    observation = import_module("fhir.resources.R4B.observation").Observation
    return observation.model_validate_json


def _fhirkit_rs() -> Callable[[bytes], object]:
    return import_module("fhirkit").parse


PEERS = {"fhir.resources (R4B)": (_fhir_resources, 10_000), "fhirkit-rs": (_fhirkit_rs, 100_000)}
"""How to get each peer's reader, and how many lines it reads at most. In the extra ``peers``."""


def race(file: Path) -> Iterator[tuple[str, float | None]]:
    """Each peer's name and Observations a second; None where it is not installed."""
    for name, (reader, most) in PEERS.items():
        try:
            read = reader()
        except ModuleNotFoundError:
            yield name, None
            continue
        with file.open("rb") as lines:
            some = list(islice(lines, most))
        started = perf_counter()
        for line in some:
            read(line)
        yield name, len(some) / (perf_counter() - started)
