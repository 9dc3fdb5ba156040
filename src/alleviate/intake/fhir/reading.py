"""Files of FHIR become entries, in bounded memory."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from alleviate.intake.fhir.bundles import is_bundle, questionnaires_in, read_bundle
from alleviate.intake.fhir.files import (
    LONGEST_LINE,
    files_of,
    head_of,
    is_lines,
    lines_of,
    others_of,
    whole_of,
)
from alleviate.intake.fhir.forms import Library
from alleviate.intake.fhir.resources import Reader
from alleviate.intake.fhir.subjects import Neighbours
from alleviate.intake.reading import Caution, Context, Item, Refusal

__all__ = ["read", "read_lines", "read_together", "surroundings"]

_FIRST = re.compile(rb'"resourceType"\s*:\s*"(\w+)"')
_ID = re.compile(rb'"id"\s*:\s*"([^"]+)"')
MOST_MEDICATIONS = 200_000


def read(path: Path, context: Context) -> Iterator[Item]:
    """Entries, definitions, refusals and cautions of a file, or of the files of a folder."""
    return read_together([path], context)


def read_together(paths: Sequence[Path], context: Context) -> Iterator[Item]:
    """The same of several, which may refer to each other's Questionnaires and Medications."""
    files = [file for path in paths for file in files_of(path)]
    for file in (file for path in paths for file in others_of(path)):
        yield Caution(str(file), 1, "", "It was left out: this folder is read as FHIR. Import it by itself.")
    library, neighbours = surroundings(files, context)
    for file in files:
        reader = Reader(str(file), context, library, neighbours)
        if is_lines(file):
            yield from read_lines(reader, lines_of(file))
        else:
            yield from _document(reader, file)
        yield from reader.rest()


def read_lines(reader: Reader, lines: Iterable[tuple[int, bytes | None]]) -> Iterator[Item]:
    """What some numbered lines of NDJSON give; None is a line that is too long."""
    for number, line in lines:
        if line is None:
            longest = f"{LONGEST_LINE >> 20} MiB"
            yield Refusal(reader.file, number, "", f"The line is longer than {longest}.")
        elif is_bundle(line):
            yield from read_bundle(reader, line, number)
        else:
            yield from reader.read(line, number)


def _document(reader: Reader, path: Path) -> Iterator[Item]:
    data = whole_of(path)
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        if "trailing characters" in str(error):  # lines under another name
            yield from read_lines(reader, lines_of(path))
            return
    except RecursionError:
        pass
    if is_bundle(data):
        yield from read_bundle(reader, data, 1)
    else:
        yield from reader.read(data.strip(), 1)


def _known(context: Context) -> Library:
    library = Library()
    for body in context.definitions.values():
        library.add(body)
    return library


def surroundings(files: Iterable[Path], context: Context) -> tuple[Library, Neighbours]:
    """The Questionnaires and Medications of these files, wherever they stand, and those known before."""
    library, neighbours = _known(context), Neighbours()
    for file in files:
        head = head_of(file)
        first = _FIRST.search(head)
        name = first[1] if first else b""
        if not is_lines(file):
            if b'"Questionnaire"' in (data := whole_of(file)):
                for body in questionnaires_in(data):
                    library.add(body)
        elif name in {b"Questionnaire", b"Medication"}:
            for _, line in lines_of(file):
                if line is None:
                    continue
                if name == b"Questionnaire":
                    library.add(line)
                elif (id := _ID.search(line)) and len(neighbours.medications) < MOST_MEDICATIONS:
                    neighbours.medications[f"Medication/{id[1].decode(errors='replace')}"] = line
    return library, neighbours
