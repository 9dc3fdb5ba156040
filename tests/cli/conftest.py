import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys of these tests' own. The rooms share them, so that the order of tests does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_HOME", os.fspath(tmp_path_factory.getbasetemp() / "home"))
        yield
