"""A rule put into a package and opened again gives the same advice, or is not opened."""

import json
import re
from dataclasses import replace

import polars as pl
import pytest

from alleviate.advice.recommend import recommend_all
from alleviate.features import Feature, FeatureSpec
from alleviate.models.encoding import Encoder
from alleviate.packages import Origin, write
from alleviate.packages.rule import golden_people, open_rule, rule_files
from alleviate.terms.errors import PackageError

ORIGIN = Origin("rule", "toy", seed=1, fingerprint="ab" * 32, versions={"alleviate": "0"})
LEARNERS = ["none", "ridge", "boosted", "tree1", "tree2"]


@pytest.mark.parametrize("learner", LEARNERS)
def test_what_is_opened_advises_as_what_was_learned(learned, people, record, moment, tmp_path, learner):
    package = learned[learner]
    opened, manifest = open_rule(write(tmp_path / "toy", rule_files(package), ORIGIN))
    records = [record(row, subject_id=f"p{i}") for i, row in enumerate(people.iter_rows(named=True))]
    assert recommend_all(records, moment, opened) == recommend_all(records, moment, package)
    for field in (
        "name",
        "title",
        "outcome",
        "arms",
        "usual",
        "best_arm",
        "learner",
        "spec",
        "findings",
        "study",
        "verdict",
    ):
        assert getattr(opened, field) == getattr(package, field)
    assert manifest.origin == ORIGIN
    assert rule_files(opened) == rule_files(package)


@pytest.mark.parametrize("learner", LEARNERS)
def test_its_files_are_text_with_plain_names(learned, learner):
    files = rule_files(learned[learner])
    assert set(files) >= {"model.json", "golden.json", "findings.json", "study.toml", "effect.json"}
    for name, content in files.items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name)
        content.decode()


def refused(place):
    with pytest.raises(PackageError) as caught:
        open_rule(place)
    assert caught.value.hint
    return caught.value.message


def test_a_model_that_does_not_give_the_golden_predictions_is_refused(learned, tmp_path):
    files = rule_files(learned["ridge"])
    golden = json.loads(files["golden.json"])
    for wrong in (golden["expected"][0][0] + 1e-6, float("nan")):
        golden["expected"][0][0] = wrong
        place = write(tmp_path / "toy", files | {"golden.json": json.dumps(golden).encode()}, ORIGIN)
        assert (
            refused(place)
            == f"{place}: the model does not give the golden predictions that were stored with it."
        )


def test_rounding_far_below_any_meaning_is_forgiven(learned, tmp_path):
    files = rule_files(learned["ridge"])
    golden = json.loads(files["golden.json"])
    golden["expected"][0][0] += 1e-12
    place = write(tmp_path / "toy", files | {"golden.json": json.dumps(golden).encode()}, ORIGIN)
    assert open_rule(place)[0].name == "toy"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.json", b"{}", "KeyError"),
        ("model.json", b"not json", "JSONDecodeError"),
        ("model.json", b"[]", "TypeError"),
        ("golden.json", b'{"people": []}', "KeyError"),
        ("effect.json", b"{}", "KeyError"),
        ("study.toml", b"\xff", "UnicodeDecodeError"),
    ],
)
def test_what_is_signed_but_cannot_be_read_is_refused_in_one_line(learned, tmp_path, name, content, why):
    place = write(tmp_path / "toy", rule_files(learned["ridge"]) | {name: content}, ORIGIN)
    message = refused(place)
    assert message.startswith(f"{place}: signed, but not a rule that this version can read ({why}")
    assert "\n" not in message


def test_one_changed_byte_is_refused_before_anything_is_parsed(learned, tmp_path):
    place = write(tmp_path / "toy", rule_files(learned["ridge"]), ORIGIN)
    (place / "model.json").write_bytes((place / "model.json").read_bytes().replace(b"toy", b"tOy", 1))
    assert refused(place) == f"model.json in {place} was changed after it was signed."


class TestGoldenPeople:
    def test_cover_every_level_and_both_answers_and_none(self, learned):
        package = learned["ridge"]
        people = golden_people(package.forecaster.encoder, package.spec)
        assert set(people["site"]) == {"north", "south", "west", None}
        assert set(people["sex"]) == {True, False, None}
        assert people["age"].n_unique() > 4
        assert people[-1].null_count().sum_horizontal()[0] == 5
        mean = people["age"].drop_nulls().mean()
        assert abs(mean - 40) < 10

    def test_are_made_up_and_the_same_each_time(self, learned):
        package = learned["ridge"]
        people = golden_people(package.forecaster.encoder, package.spec)
        assert people.equals(golden_people(package.forecaster.encoder, package.spec))

    def test_know_no_level_where_there_was_none(self):
        encoder = Encoder.fit(pl.DataFrame({"site": pl.Series([None] * 9, dtype=pl.String)}))
        spec = FeatureSpec((Feature("site", "STUDY//toy//site", "category"),))
        assert golden_people(encoder, spec)["site"].to_list() == [None] * 8


def test_a_usual_arm_is_kept(learned, tmp_path):
    package = replace(learned["ridge"], usual=1)
    assert open_rule(write(tmp_path / "toy", rule_files(package), ORIGIN))[0].usual == 1
