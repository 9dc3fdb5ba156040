"""``alleviate studies`` lists what ships."""

import json

from alleviate.cli import main
from alleviate.studies.files import shipped


def test_each_study_is_listed_with_its_title_arms_and_outcome(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["studies"]) == 0
    shown = capsys.readouterr().out
    for study in shipped():
        assert study.name in shown
        assert study.title in shown
    assert "booklet or workshop; depression at two months, lower is better" in shown
    assert "foresees leaving treatment within 24 weeks" in shown


def test_as_json_it_is_a_list_and_nothing_else(capsys):
    assert main(["studies", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [entry["name"] for entry in found] == [study.name for study in shipped()]
    by_name = {entry["name"]: entry for entry in found}
    assert by_name["jobs2"]["outcome"] == {
        "name": "depress2",
        "label": "depression at two months",
        "better": "lower",
    }
    assert by_name["jobs2-depression"]["kind"] == "prognosis"
    assert by_name["jobs2-depression"]["outcome"] == {"name": "depress2", "label": "depression at two months"}
    assert shown.err == ""
