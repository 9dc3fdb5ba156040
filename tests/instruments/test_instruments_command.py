"""``alleviate instruments``: what it lists, and what it shows of one."""

import json

import pytest
import typer

from alleviate.cli import screen
from alleviate.cli.instruments import instruments
from alleviate.instruments import INSTRUMENTS
from alleviate.terms.errors import InputError

app = typer.Typer()
app.command()(instruments)


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(screen.out, "_width", request.param)
    return int(request.param)


def run(*arguments: str) -> None:
    app(list(arguments), standalone_mode=False)


def test_the_list_has_a_line_for_each_and_fits_the_screen(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    rows = {words[0]: line for line in lines if (words := line.split()) and words[0] in INSTRUMENTS}
    assert set(rows) == set(INSTRUMENTS)
    for part in ("9", "0–27", "≥ 10", "6", "free"):
        assert part in rows["phq9"].split("depression")[-1].replace("nine items", "")
    assert "≥ 3 (male 4)" in rows["audit_c"]
    assert "≤ 50" in rows["who5"]
    assert "10*" in rows["who5"]


@pytest.mark.parametrize("id", INSTRUMENTS)
def test_one_is_shown_with_all_that_it_says(id: str, width: int, capsys: pytest.CaptureFixture[str]) -> None:
    run(id)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= width
    words, instrument = " ".join(shown.split()), INSTRUMENTS[id]
    for said in (instrument.title, instrument.missing.source, instrument.source, instrument.licence):
        assert said in words
    assert all(item.code in words for item in instrument.items)
    assert all(band.name in words for band in instrument.bands)
    assert all(tier.name in words for tier in instrument.tiers)


@pytest.mark.parametrize("name", ["phq9", "PHQ-9", "phq 9"])
def test_a_name_may_be_written_as_people_do(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(name)
    assert "Patient Health Questionnaire, nine items" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "hint"), [("phq-8", 'Did you mean "phq9"?'), ("xyz", "There are audit_c, ")]
)
def test_an_unknown_name_gets_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        run(name)
    assert hint in caught.value.hint


def test_json_is_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    run("--json")
    listed = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    run("phq9", "--json")
    one = json.loads(capsys.readouterr().out)
    assert set(listed) == set(INSTRUMENTS)
    assert listed["phq9"] == one
    assert (one["range"], one["least_change"], one["caseness"]["threshold"]) == ([0, 27], 6, 10)
    assert one["items"][8]["code"] == "LOINC//44260-8"
    assert one["items"][0]["answers"]["LA6571-9"] == 3
    assert (listed["eq5d5l"]["range"], listed["hamd17"]["least_change"]) == (None, None)
