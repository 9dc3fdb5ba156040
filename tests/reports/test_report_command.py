"""``alleviate report``: what a package holds, and what it can say of itself."""

import json
import re
from pathlib import Path

import pytest
from sample_prognosis import STUDY, full

from alleviate.cli.app import main
from alleviate.packages import Origin, write
from alleviate.packages.canonical import to_json
from alleviate.reports.prognosis import prognosis_report
from alleviate.studies import files


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Signed here; without its model, which no report needs."""
    findings = full()
    written = {
        "findings.json": to_json(findings, sort=False),
        "study.toml": files.dumps(STUDY).encode(),
        "report.html": prognosis_report(STUDY, findings, package_name=STUDY.name).encode(),
    }
    origin = Origin("prognosis", STUDY.name, 1, findings.fingerprint, findings.versions)
    return write(tmp_path / "again", written, origin)


def test_it_says_where_the_report_lies(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(package)]) == 0
    assert "report.html" in capsys.readouterr().out


def test_it_hands_out_the_report_that_was_signed(package: Path, tmp_path: Path) -> None:
    assert main(["report", str(package), "--out", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_bytes() == (package / "report.html").read_bytes()


def test_it_fills_in_tripod(package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(package), "--tripod", "--out", str(tmp_path / "t.html")]) == 0
    assert re.search(r"\d+ of 52 parts of items filled in", capsys.readouterr().out)
    assert "TRIPOD+AI" in (tmp_path / "t.html").read_text()


def test_json_is_all_that_is_printed(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(package), "--tripod", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["tripod"]["items"]) == 52


def test_without_out_a_page_is_named_after_the_study(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(package), "--card"]) == 0
    assert "Model card" in (tmp_path / f"{STUDY.name}-card.html").read_text()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--tripod", "--card"], "Expected --tripod or --card, got both."),
        (["--json"], "--json goes with --tripod."),
        (["--card", "--out", "/nowhere/at/all.html"], "cannot be written"),
    ],
)
def test_a_call_that_means_nothing_is_one_clear_line(
    package: Path, options: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(package), *options]) == 2
    assert line in capsys.readouterr().err


def test_a_rule_has_a_report_and_no_checklist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin = Origin("rule", "trial", 1, "ab" * 32, {"alleviate": "0.1.0"})
    rule = write(tmp_path / "rule", {"report.html": b"<p>"}, origin)
    bare = write(tmp_path / "bare", {"findings.json": b"{}"}, origin)
    assert main(["report", str(rule)]) == 0
    assert main(["report", str(rule), "--tripod"]) == 2
    assert "is no prognosis" in capsys.readouterr().err
    assert main(["report", str(bare)]) == 2
    assert "holds no report" in capsys.readouterr().err
