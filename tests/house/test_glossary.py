"""The glossary is in order, and defines the words that the code says to people."""

import re
from pathlib import Path
from typing import get_args

from alleviate.packages.findings import Verdict

TEXT = (Path(__file__).parents[2] / "GLOSSARY.md").read_text()
ENTRIES = dict(re.findall(r"^- \*\*(.+?)\*\* — (.+)$", TEXT, flags=re.MULTILINE))


def test_entries_are_unique_and_alphabetical() -> None:
    terms = re.findall(r"^- \*\*(.+?)\*\*", TEXT, flags=re.MULTILINE)
    assert len(terms) > 40
    assert terms == sorted(set(terms), key=str.casefold)
    assert terms == list(ENTRIES), "an entry is: - **term** — what it means"


def test_each_entry_is_one_to_four_sentences() -> None:
    sentences = {term: len(re.findall(r"[.?!](?= [A-Z*]|$)", meaning)) for term, meaning in ENTRIES.items()}
    assert {term: n for term, n in sentences.items() if not 1 <= n <= 4} == {}


def test_every_verdict_and_strength_is_defined() -> None:
    verdicts = {*get_args(Verdict), "not-enough-data"}
    strengths = {"established", "leaning", "none"}
    assert {word for word in verdicts if "A *verdict*" not in ENTRIES.get(word, "")} == set()
    assert {word for word in strengths if "A *strength*" not in ENTRIES.get(word, "")} == set()


def test_what_the_glossary_points_to_is_in_the_glossary() -> None:
    known = {term.casefold() for term in ENTRIES}
    known |= {"gain over the best arm", "gain over usual care"}
    pointed = {
        word.casefold() for meaning in ENTRIES.values() for word in re.findall(r"(?<!\*)\*([^*]+)\*", meaning)
    }
    plural = {"probabilities of treatment": "probability of treatment"}
    assert {
        word
        for word in pointed
        if plural.get(word, word) not in known and word.removesuffix("s") not in known
    } == set()
