"""A small demonstration, cut off once while it was made, and completed by the next start."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_demo import NOW, SIZE

from alleviate.clinic.demo.building import Ready, prepare
from alleviate.clinic.demo.people import SEED, Everybody, choose
from alleviate.vault import Vault


class CutOff(Exception):
    """The power went."""


@dataclass
class Demo:
    folder: Path
    ready: Ready
    vault: Vault
    everybody: Everybody


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    heard: list[str] = []

    def cut_off(words: str) -> None:
        heard.append(words)
        if len(heard) == 3:
            raise CutOff

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ALLEVIATE_KEY", raising=False)
        with pytest.raises(CutOff):
            prepare(folder, size=SIZE, now=NOW, processes=2, shipped=(), say=cut_off)
        ready = prepare(folder, processes=2, shipped=())
        patch.setenv("ALLEVIATE_KEY_FILE", str(ready.key))
        opened = Vault.open(ready.vault)
    with closing(opened) as vault:  # other tests of this process have keys of their own
        yield Demo(folder, ready, vault, choose(SIZE.current, SIZE.recent, SIZE.past, seed=SEED, now=NOW))
