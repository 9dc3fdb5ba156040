"""A clinic with packages learned for real, and an EHR that signs its calls."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hook_calls import Calling
from made_clinic import opened
from signed_systems import System

from alleviate.clinic.machines.registering import register


def _calling(made: Any) -> Calling:
    system = System()
    register(made.services.accounts, "test", name="EHR", kind="cds", issuer=system.issuer, keys=system.jwks)
    return Calling(made, system)


@pytest.fixture
def make_calling(make_clinic: Callable[..., Any], learned_packages: Path) -> Callable[..., Calling]:
    """With settings of one's own, or to change something."""
    return lambda **settings: _calling(make_clinic(**{"packages": learned_packages, **settings}))


@pytest.fixture(scope="module")
def calling(
    template: Path, clinic_key: str, learned_packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Calling]:
    """One that the tests of a file share: each adds people of its own, and changes no others."""
    folder = tmp_path_factory.mktemp("calling") / "clinic"
    shutil.copytree(template, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLEVIATE_KEY", clinic_key)
        made = opened(folder, packages=learned_packages)
        yield _calling(made)
        made.close()
