"""Features as written in TOML: what each line becomes, and how a wrong one is answered."""

import json

import pytest

from alleviate.features import Feature, FeatureSpec, declare, read_features
from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import DataError

PHQ9, ITEM9 = "LOINC//44261-6", "LOINC//44260-8"


@pytest.mark.parametrize(
    ("line", "feature"),
    [
        ('of = "phq9"', Feature("it", PHQ9, "number")),
        ('of = "phq9", take = "first"', Feature("it", PHQ9, "number", take="first")),
        ('of = "phq9", item = 9, take = "max"', Feature("it", ITEM9, "number", take="max")),
        ('of = "phq9", item = "LOINC//44260-8"', Feature("it", ITEM9, "number")),
        (
            'of = "phq9", take = "slope", window = "12w"',
            Feature("it", PHQ9, "number", take="slope", days=84),
        ),
        ('of = "phq9", take = "mean", window = "90d"', Feature("it", PHQ9, "number", take="mean", days=90)),
        ('of = "wsas"', Feature("it", "INSTRUMENT//wsas//total", "number")),
        ('of = "cssrs"', Feature("it", INSTRUMENTS["cssrs"].total_code, "category")),
        (
            'kind = "session", code = "SESSION//attended", take = "count", since = "start"',
            Feature(
                "it", "SESSION//attended", "number", take="count", since_start=True, events="session"
            ),
        ),
        ('code = "ICD10//F32*", take = "ever"', Feature("it", "ICD10//F32*", "boolean", take="ever")),
        (
            'code = "EPISODE//start", text = "CBT", take = "ever"',
            Feature("it", "EPISODE//start", "boolean", take="ever", text=("CBT",)),
        ),
        (
            'code = "EPISODE//start", text = ["CBT", "IPT"], take = "count"',
            Feature("it", "EPISODE//start", "number", take="count", text=("CBT", "IPT")),
        ),
        (
            'code = "PERSON//sex", as = "category", label = "sex at birth"',
            Feature("it", "PERSON//sex", "category", "sex at birth"),
        ),
        ('take = "age"', Feature("it", "MEDS_BIRTH", "number", take="age")),
    ],
)  # fmt: skip
def test_a_line_becomes_a_feature(line, feature):
    spec = read_features(f"[features]\nit = {{ {line} }}")
    assert spec == FeatureSpec((feature,))
    assert FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_table_of_its_own_is_the_same():
    assert read_features('[features.it]\nof = "phq9"') == read_features('[features]\nit = { of = "phq9" }')


def test_items_become_a_feature_each():
    spec = read_features(
        '[features]\nit = { of = "phq9", take = "items", window = "4w" }\nage = { take = "age" }'
    )
    assert spec.names == (*(f"it_{i}" for i in range(1, 10)), "age")
    last = spec.features[8]
    assert (last.code, last.take, last.days) == (ITEM9, "last", 28)
    assert last.words.startswith("PHQ-9, 9: ")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ('of = "phq9", take = "slop"', 'expected take to be one of last, .*, items, got "slop"', '"slope"'),
        ('of = "phq9", tkae = "last"', 'there is no key "tkae"', '"take"'),
        ('of = "phq"', 'expected of to be one of .*, got "phq"', '"phq'),
        ('of = "phq9", code = "LOINC//1-1"', 'either "of" or "code", got both', "Leave one out"),
        ('take = "last"', 'expected "of" or "code", got neither', "phq9"),
        ('of = "phq9", item = 10', "expected item to be one of phq9, got 10", '"1"'),
        ('code = "LOINC//1-1", item = 1', '"item" needs an instrument', "phq9"),
        ('code = "LOINC//1-1", take = "items"', "items are those of an instrument", "phq9"),
        ('of = "phq9", item = 1, take = "items"', "items are those of an instrument", "phq9"),
        ('of = "phq9", window = "90"', 'expected window to be days or weeks, got "90"', '"90d"'),
        ('of = "phq9", window = "0d"', 'expected window to be days or weeks, got "0d"', '"90d"'),
        ('of = "phq9", window = 90', "expected window to be days or weeks, got 90", '"90d"'),
        ('of = "phq9", window = "99999d"', "looks back 99999 days", "36,525"),
        ('of = "phq9", since = "sart"', 'expected since to be one of start, got "sart"', '"start"'),
        ('code = "A//b", kind = "sesion"', 'kind to be one of person, .*, got "sesion"', '"session"'),
        ('code = "A//b", as = "word"', 'expected as to be one of number, .*, got "word"', ""),
        ('code = "A//b", text = 3', "expected text to be a text or a list of texts, got 3", "CBT"),
        ('code = "A//b", text = [3]', r"expected text to be a text or a list of texts, got \[3\]", "CBT"),
        ('code = "A//"', "A code must be text", "LOINC"),
        ("code = 3", "expected code to be a text, got 3", "code ="),
        ('of = "phq9", take = "mean", as = "category"', "The mean of events is a number", "number"),
        ('of = "phq9", take = "ever", as = "number"', "The ever of events is a boolean", "boolean"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_answered_with_what_would_be_right(line, message, hint):
    with pytest.raises(DataError, match=f"^it: .*{message}") as caught:
        read_features(f"[features]\nit = {{ {line} }}")
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[features", "This is not TOML"),
        ("[other]", "Expected features, found none"),
        ("features = 3", "Expected features, found none"),
        ("[features]\nit = 3", "it: expected a table, got 3"),
        ('[features]\na = { of = "phq9" }\nb = { of = "phq9" }', "shared: last of LOINC//44261-6"),
    ],
)
def test_a_wrong_text_is_refused(text, message):
    with pytest.raises(DataError, match=message):
        read_features(text)


def test_a_long_value_is_cut():
    with pytest.raises(DataError) as caught:
        declare("it", {"of": "x" * 1000})
    assert len(str(caught.value)) < 400


def test_a_plain_feature_is_stored_as_ever_before():
    assert FeatureSpec((Feature("a", "A//b", "number", "words"),)).to_dict()["features"] == [
        ["a", "A//b", "number", "words"]
    ]
