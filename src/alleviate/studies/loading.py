"""Open any package that `alleviate learn` wrote."""

from dataclasses import replace
from pathlib import Path

from alleviate.packages import read
from alleviate.packages.stage_rule import stages_from
from alleviate.studies import files
from alleviate.studies.rules import LearnedRule
from alleviate.studies.rules import load as load_rule
from alleviate.studies.stage_rules import LearnedStages

__all__ = ["load"]


def load(package: str | Path) -> LearnedRule | LearnedStages:
    """A rule, or rules of several stages, verified before it is parsed. Raises ``PackageError``."""
    sealed = read(Path(package))
    if sealed.manifest.origin.kind != "stages":
        return load_rule(package)
    found = stages_from(sealed, Path(package))
    study = files.loads(found.study, source="study.toml")
    return LearnedStages(found, sealed.manifest, replace(study, outcome=found.outcome))
