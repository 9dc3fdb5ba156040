"""Collects the words of the whole clinic for its translators: ``python -m alleviate.clinic.looks.extract``.

Each catalogue (``locale/*/LC_MESSAGES/alleviate.po``) keeps its translations, loses what no page says any
more, and gets what is new, untranslated. ``--check`` writes nothing: exit code 1 where words are missing.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

from alleviate.clinic.looks.languages import DOMAIN, LANGUAGES, catalogue
from alleviate.clinic.looks.spoken import raised, written

__all__ = ["collected", "untranslated", "updated"]

CLINIC = Path(__file__).parent.parent
_KEYWORDS = {"_": None, "gettext": None, "N_": None, "_say": None, "say": None, "ngettext": (1, 2)}
_JINJA = {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols"}


def collected(folder: Path = CLINIC) -> Catalog:
    """All words under ``folder`` that are to be translated, from templates and code.

    Of the whole clinic, those of data files and errors too.
    """
    found = Catalog(domain=DOMAIN, project="alleviate", charset="utf-8")
    for path, method in _files(folder):
        options = _JINJA if method != "python" else {}
        for line, words, notes, context in extract_from_file(
            method, str(path), keywords=_KEYWORDS, comment_tags=("Translators:",), options=options
        ):
            place = path.relative_to(CLINIC).as_posix() if path.is_relative_to(CLINIC) else path.name
            found.add(words, locations=[(place, line)], auto_comments=notes, context=context)
    for told, place in (*written(), *raised()) if folder == CLINIC else ():
        found.add(told, locations=[(place, 1)])
    return found


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] == "demo":
            continue  # what the demonstration says to who builds it
        if path.suffix == ".py":
            yield path, "python"
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            yield path, "jinja2.ext:babel_extract"


def updated(code: str, words: Catalog) -> Catalog:
    """The catalogue of ``code`` with exactly ``words``: nothing is guessed, nothing out of date stays."""
    found = catalogue(code)
    words.creation_date = found.creation_date  # a new date alone is no change
    revised = found.revision_date
    found.update(words, no_fuzzy_matching=True)
    found.project, found.version, found.msgid_bugs_address = "alleviate", "", ""
    found.last_translator = found.language_team = ""
    found.obsolete.clear()
    found.revision_date = revised
    return found


def untranslated(code: str, words: Catalog) -> list[str]:
    """What of ``words`` has no translation into ``code``."""
    known = catalogue(code)
    missing = []
    for message in words:
        if not message.id:
            continue
        there = known.get(message.id)
        strings = there.string if there is not None else ""
        whole = all(strings) if isinstance(strings, (tuple, list)) and strings else bool(strings)
        if not whole:
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def _path(code: str) -> Path:
    return Path(__file__).parent / "locale" / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Collect the words of the clinic for its translators.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where words are missing")
    check = parser.parse_args(arguments).check
    missing = 0
    for code in LANGUAGES[1:]:
        words = collected()
        lacking = untranslated(code, words)
        missing += len(lacking)
        if not check:
            packed = BytesIO()
            write_po(packed, updated(code, words), width=108, include_lineno=False)
            _path(code).write_bytes(packed.getvalue())
        told = "".join(f"  {line}\n" for line in lacking)
        sys.stdout.write(f"{code}: {len(words)} sayings, {len(lacking)} not translated\n{told}")
    return 1 if check and missing else 0


if __name__ == "__main__":
    sys.exit(main())
