"""In CI a skipped test turns the run red and is named; elsewhere it is only reported."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # real processes, many of them

FOR_EVERY_TEST = [Path(__file__).parents[1] / name for name in ("conftest.py", "pace.py")]
SKIPS_A_TEST = 'import pytest\n\ndef test_a():\n    pytest.skip("no database")\n\ndef test_b():\n    pass\n'
SKIPS_A_FILE = 'import pytest\n\npytest.importorskip("a_package_nobody_has")\n\ndef test_a():\n    pass\n'
EXPECTS_A_FAILURE = "import pytest\n\n@pytest.mark.xfail\ndef test_a():\n    assert 1 == 2\n"


def run(folder: Path, test: str, *options: str, ci: bool) -> subprocess.CompletedProcess[str]:
    for file in FOR_EVERY_TEST:
        shutil.copy(file, folder)
    (folder / "test_some.py").write_text(test)
    environment = {key: value for key, value in os.environ.items() if key != "CI" and "COV" not in key}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "."],
        cwd=folder,
        env=environment | ({"CI": "true"} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["one process", "workers"])
@pytest.mark.parametrize("test", [SKIPS_A_TEST, SKIPS_A_FILE], ids=["a test", "a file"])
def test_a_skip_is_red_in_ci(tmp_path: Path, test: str, options: tuple[str, ...]) -> None:
    done = run(tmp_path, test, *options, ci=True)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "CI allows no skip" in done.stdout
    assert "test_some.py" in done.stdout


def test_a_skip_is_green_elsewhere(tmp_path: Path) -> None:
    assert run(tmp_path, SKIPS_A_TEST, ci=False).returncode == pytest.ExitCode.OK


def test_without_skips_ci_is_green(tmp_path: Path) -> None:
    assert run(tmp_path, EXPECTS_A_FAILURE, ci=True).returncode == pytest.ExitCode.OK
