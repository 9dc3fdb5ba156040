from pathlib import Path

import pytest

from alleviate.packages import Origin


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home of keys for each test: nobody's own key signs anything here."""
    place = tmp_path_factory.mktemp("home") / "alleviate"
    monkeypatch.setenv("ALLEVIATE_HOME", str(place))
    return place


@pytest.fixture
def origin() -> Origin:
    return Origin("rule", "toy", seed=1, fingerprint="ab" * 32, versions={"alleviate": "0", "ridge": "1"})


@pytest.fixture
def files() -> dict[str, bytes]:
    return {
        "study.toml": b'[study]\nname = "toy"\n',
        "model.json": b'{"weights":[0.1,-2.5]}\n',
        "booster-1.txt": b"tree\n",
    }
