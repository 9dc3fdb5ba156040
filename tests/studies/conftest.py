import pytest
from made_courses import MadeCourses, courses, learned
from made_trials import TREE_STUDY, Made, make, people

from alleviate.studies.courses.asking import Asked


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """120 people, nobody differs, CBT better by 4 points: learned once, quickly."""
    return make(tmp_path_factory.mktemp("small"), people(120, benefit="same"))


@pytest.fixture(scope="session")
def by_severity(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """1,500 people: CBT helps by 6 points above a severity of 20, and harms by 6 below."""
    return make(tmp_path_factory.mktemp("by_severity"), people(1500, benefit="by severity"), *TREE_STUDY)


@pytest.fixture(scope="session")
def followed(tmp_path_factory: pytest.TempPathFactory) -> MadeCourses:
    """Courses of 260 people, a tenth of whom leave at each session; learned once."""
    frame = courses(260, 11, leave=0.05)
    return learned(tmp_path_factory.mktemp("followed"), frame, Asked("phq9"))
