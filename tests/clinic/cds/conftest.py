"""A clinic with packages learned for real, and an EHR that signs its calls."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signed_systems import System

from alleviate.clinic.machines.registering import register

sys.path.append(
    str(Path(__file__).parents[1] / "recommending")
)  # people made for the advice are asked here too

from hook_calls import Calling
from made_people import learned


@pytest.fixture(scope="session")
def learned_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """severity: a rule that personalises; leaving: a risk that no arm changes."""
    return learned(tmp_path_factory.mktemp("cds-learned"))


@pytest.fixture
def make_calling(make_clinic: Callable[..., Any], learned_packages: Path) -> Callable[..., Calling]:
    def make(**settings: Any) -> Calling:
        made = make_clinic(**{"packages": learned_packages, **settings})
        system = System()
        register(
            made.services.accounts, "test", name="EHR", kind="cds", issuer=system.issuer, keys=system.jwks
        )
        return Calling(made, system)

    return make


@pytest.fixture
def calling(make_calling: Callable[..., Calling]) -> Calling:
    return make_calling()
