"""Open any package that `alleviate learn` wrote."""

from dataclasses import replace
from pathlib import Path

from alleviate.packages import read
from alleviate.packages.stage_rule import stages_from
from alleviate.studies import files
from alleviate.studies.courses.loaded import LoadedCourses, courses_loaded
from alleviate.studies.prognosis.prognoses import Prognosis, prognosis_of
from alleviate.studies.rules import LearnedRule
from alleviate.studies.rules import load as load_rule
from alleviate.studies.screening.screening import Screening, screening_of
from alleviate.studies.stage_rules import LearnedStages
from alleviate.terms.errors import PackageError

__all__ = ["load", "load_advice", "load_courses", "load_prognosis", "load_screening"]


def load(package: str | Path) -> LearnedRule | LearnedStages | LoadedCourses | Prognosis | Screening:
    """What the package holds, verified before it is parsed. Raises ``PackageError``."""
    sealed = read(Path(package))
    if sealed.manifest.origin.kind == "course":
        return courses_loaded(sealed, Path(package))
    if sealed.manifest.origin.kind == "prognosis":
        return prognosis_of(sealed, Path(package))
    if sealed.manifest.origin.kind == "screening":
        return screening_of(sealed, Path(package))
    if sealed.manifest.origin.kind == "rule":
        return load_rule(package)
    found = stages_from(sealed, Path(package))
    study = files.of_treatment(files.loads(found.study, source="study.toml"))
    return LearnedStages(found, sealed.manifest, replace(study, outcome=found.outcome))


def load_advice(package: str | Path) -> LearnedRule | LearnedStages:
    """A package that advises treatment. Raises ``PackageError`` for another, too."""
    found = load(package)
    if isinstance(found, Screening):
        raise _of_screening(package)
    if isinstance(found, LoadedCourses):
        raise _of_courses(package)
    if isinstance(found, Prognosis):
        raise PackageError(
            f"{package} foresees an outcome and advises no treatment.",
            hint="Ask it with: alleviate predict",
        )
    return found


def load_prognosis(package: str | Path) -> Prognosis:
    """A package that foresees an outcome. Raises ``PackageError`` for another, too."""
    found = load(package)
    if isinstance(found, Screening):
        raise _of_screening(package)
    if isinstance(found, LoadedCourses):
        raise _of_courses(package)
    if not isinstance(found, Prognosis):
        raise PackageError(
            f"{package} advises treatment and foresees no outcome of its own.",
            hint="Ask it with: alleviate advise",
        )
    return found


def load_screening(package: str | Path) -> Screening:
    """A package that tells what to ask next. Raises ``PackageError`` for another, too."""
    found = load(package)
    if not isinstance(found, Screening):
        raise PackageError(
            f"{package} is no screening: it does not tell what to ask next.",
            hint="Make one with: alleviate screen learn",
        )
    return found


def _of_screening(package: str | Path) -> PackageError:
    return PackageError(
        f"{package} tells what to ask next, and neither foresees an outcome nor advises treatment.",
        hint="Ask it with: alleviate screen next",
    )


def _of_courses(package: str | Path) -> PackageError:
    return PackageError(
        f"{package} follows courses of scores, and neither advises treatment nor foresees another outcome.",
        hint="Ask it with: alleviate track score",
    )


def load_courses(package: str | Path) -> LoadedCourses:
    """A package that follows courses of scores. Raises ``PackageError`` for another, too."""
    found = load(package)
    if not isinstance(found, LoadedCourses):
        raise PackageError(
            f"{package} follows no courses of scores.", hint="Learn them with: alleviate track learn"
        )
    return found
