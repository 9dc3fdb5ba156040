import pytest
from made_trials import TREE_STUDY, Made, make, people


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """120 people, nobody differs, CBT better by 4 points: learned once, quickly."""
    return make(tmp_path_factory.mktemp("small"), people(120, benefit="same"))


@pytest.fixture(scope="session")
def by_severity(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """1,500 people: CBT helps by 6 points above a severity of 20, and harms by 6 below."""
    return make(tmp_path_factory.mktemp("by_severity"), people(1500, benefit="by severity"), *TREE_STUDY)
