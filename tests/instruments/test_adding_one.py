"""A new instrument is one folder: the page says how, and a folder that is wrong says what is wrong."""

import re
import tomllib
from pathlib import Path

import pytest
from msgspec import Struct

from alleviate.instruments import Instrument, instrument, parts, shelf
from alleviate.terms.errors import DataError

PAGE = Path(__file__).parents[2] / "docs" / "instruments.md"
FOLDER_FILE, EXAMPLE_FILE = re.findall(
    r"^```toml\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL
)


def read(folder: Path, text: str) -> Instrument:
    path = folder / "s3"
    path.mkdir(exist_ok=True)
    (path / "instrument.toml").write_text(text)
    return shelf.read(path)


def test_the_folder_of_the_page_is_an_instrument_and_scores_its_example(tmp_path: Path) -> None:
    s3 = read(tmp_path, FOLDER_FILE)
    (example,) = tomllib.loads(EXAMPLE_FILE)["examples"]
    score = s3.score(dict(zip("123", map(float, example["answers"].split()), strict=True)))
    assert s3.id == "s3"
    assert (score.total, score.severity, score.case) == (
        example["total"],
        example["severity"],
        example["case"],
    )


def test_the_page_explains_every_key() -> None:
    explained = set(re.findall(r"`(\w+)`", PAGE.read_text()))
    structs = [getattr(parts, name) for name in parts.__all__ if name != "Score"] + [instrument.Instrument]
    keys = {key for struct in structs if issubclass(struct, Struct) for key in struct.__struct_fields__}
    assert keys - explained == {"id"} - explained


def test_a_shared_scale_is_written_once_and_an_item_may_differ(tmp_path: Path) -> None:
    text = FOLDER_FILE.replace('name = "rest"', 'name = "rest", scale = "long"')
    text = text.replace("high = 9", "high = 12") + "\n[scales.long]\nlow = 0\nhigh = 6\nlabels = []\n"
    assert [item.high for item in read(tmp_path, text).items] == [3, 3, 6]


WRONG = {
    "no TOML": ("title =", "is no instrument"),
    "a key that does not exist": (FOLDER_FILE.replace("recall_days", "recal_days"), "recal_days"),
    "a key that is lacking": (FOLDER_FILE.replace('title = "Three questions about sleep"\n', ""), "title"),
    "no items": (
        re.sub(r"items = \[.*?\n\]", "items = []", FOLDER_FILE, count=1, flags=re.DOTALL),
        "no items",
    ),
    "a value of the wrong kind": (FOLDER_FILE.replace("most = 1", 'most = "one"'), "most"),
    "an unknown direction": (FOLDER_FILE.replace("higher is worse", "worse"), "direction"),
    "an id twice": (FOLDER_FILE.replace('id = "2"', 'id = "1"'), "two items of one id"),
    "a code twice": (FOLDER_FILE.replace("s3//2", "s3//1"), "one code twice"),
    "the total's code on an item": (FOLDER_FILE.replace("s3//2", "s3//total"), "one code twice"),
    "no code at all": (FOLDER_FILE.replace("INSTRUMENT//s3//2", "INSTRUMENT//"), "A code must be"),
    "a gap between bands": (FOLDER_FILE.replace("low = 4", "low = 5"), "gap or an overlap"),
    "bands that overlap": (FOLDER_FILE.replace("low = 4", "low = 3"), "gap or an overlap"),
    "bands that end early": (FOLDER_FILE.replace("high = 9", "high = 8"), "miss 0 to 9"),
    "bands without a source": (
        FOLDER_FILE.replace('bands_source = "This page."', ""),
        "without their source",
    ),
    "a range upside down": (
        FOLDER_FILE.replace("low = 0\nhigh = 3\n", "low = 3\nhigh = 0\n"),
        "runs from 3 to 0",
    ),
    "too few labels": (FOLDER_FILE.replace('"Never", ', ""), "has 3 labels"),
    "an answer out of range": (
        FOLDER_FILE.replace("high = 3\nlabels", 'high = 3\nanswers = { "LA6568-5" = 4 }\nlabels'),
        "LA6568-5",
    ),
    "a scale that does not exist": (FOLDER_FILE.replace("reverse = true", 'scale = "long"'), "[scales.long]"),
    "a rule on an item that it lacks": (FOLDER_FILE.replace("most = 1", 'needs = ["4"]'), "['4']"),
    "tiers beside a sum": (
        FOLDER_FILE.replace("[scale]", '[[tiers]]\nname = "high"\nany = []\n[scale]'),
        "needs tiers",
    ),
    "a tier without tiers": (FOLDER_FILE.replace('total = "sum"', 'total = "tier"'), "needs tiers"),
    "means of subscales that do not cover it": (
        FOLDER_FILE.replace("most = 1", "by_subscale = true"),
        "exactly one subscale",
    ),
    "half a reliable change": (FOLDER_FILE.replace("sd = 2.1\n", ""), "points, or else sd"),
    "two reliable changes": (FOLDER_FILE.replace("sd = 2.1", "sd = 2.1\npoints = 3"), "points, or else sd"),
}


@pytest.mark.parametrize(("text", "complaint"), WRONG.values(), ids=WRONG)
def test_a_folder_that_is_wrong_is_refused_with_the_reason(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert complaint in str(caught.value)
    assert caught.value.hint


def test_an_empty_folder_is_no_instrument(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no instrument"):
        shelf.read(tmp_path)
