"""The tree holds the project and nothing else: no data, no machine, no download address."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST = 500_000  # bytes: room for a screenshot, none for data


def project_files() -> list[Path]:
    """What git tracks, and what it would track once added."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [path for name in sorted(filter(None, listed.split("\0"))) if (path := ROOT / name).is_file()]


def lines_with(pattern: str) -> list[str]:
    compiled = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in project_files()
        if path.suffix not in {".png", ".parquet"}
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if compiled.search(line)
    ]


def test_there_are_files_to_look_at() -> None:
    assert {"pyproject.toml", "README.md", "LICENSE"} <= {path.name for path in project_files()}


@pytest.mark.parametrize(
    "address",
    [
        r"\bpypi\.(org|python)",
        r"\bpythonhosted\.",
        r"\bnpm(js|mirror)\.",
        r"\bconda\.anaconda\.",
        r"(index[-]url|find[-]links|trusted[-]host)",
        r'"resolved"[:]',
        r"@ (https?|file)[:]",
    ],
)
def test_no_file_says_where_packages_are_downloaded(address: str) -> None:
    assert lines_with(address) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    homes = r"/(home|Users|root)/\w"
    above = ROOT.parent.resolve()
    nowhere = {Path("/"), Path("/tmp"), Path(tempfile.gettempdir()).resolve()}
    places = homes if above in nowhere else rf"{homes}|{re.escape(str(above))}/\w"
    assert lines_with(rf"(^|[\s\"'=(`])({places})") == []


def test_no_file_is_large_enough_to_be_data() -> None:
    assert {str(p.relative_to(ROOT)): s for p in project_files() if (s := p.stat().st_size) > LARGEST} == {}
