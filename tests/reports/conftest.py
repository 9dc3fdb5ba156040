"""Findings to report on."""

import pytest
from report_samples import SAMPLES
from sample_jobs2 import Sample


@pytest.fixture(params=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each sample in turn."""
    return SAMPLES[request.param]()


@pytest.fixture
def samples() -> dict[str, Sample]:
    """All samples, by name."""
    return {name: make() for name, make in SAMPLES.items()}
