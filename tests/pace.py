"""What keeps the tests quick: files in memory, slow ones last, lines counted by quick tests alone."""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from coverage import Coverage

MEMORY = Path("/dev/shm")  # a file system in memory, where Linux has one
ROOM = 4 * 2**30  # bytes; a whole run needs less than one GiB at a time


def write_to_memory() -> None:
    """Temporary files lie in memory where there is room, unless TMPDIR says otherwise.

    The vault waits for the disk at each step. What is lost with the machine is not tested here; what is lost
    with a killed process is, and that is the same in memory.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    programs_run = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if programs_run and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test come last.

    What a process loads or works out once is then met first by a quick test, whose lines are counted. Not
    ordered by their number of tests, as pytest-xdist would: the longest files have few.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path in slow)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage counts the lines that quick tests reach.

    Slow tests pass the same lines a thousand times, and watching them takes half as long again.
    """
    watching = Coverage.current()
    if watching is None or item.get_closest_marker("slow") is None:
        return (yield)
    watching.stop()
    inherited = os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # child processes are not watched either
    try:
        return (yield)
    finally:
        if inherited is not None:
            os.environ["COVERAGE_PROCESS_CONFIG"] = inherited
        watching.start()
