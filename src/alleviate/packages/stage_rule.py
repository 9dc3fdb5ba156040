"""What the package of a study with several stages holds: a rule for each stage, laid out as rules are."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from alleviate.packages.canonical import findings_from_json, findings_to_json, to_json
from alleviate.packages.findings import Findings
from alleviate.packages.folder import SealedPackage
from alleviate.packages.rule import RulePackage, rule_files, rule_from
from alleviate.terms.errors import PackageError
from alleviate.terms.outcomes import Outcome

__all__ = ["StagePackage", "stage_files", "stages_from"]


@dataclass(frozen=True, slots=True)
class StagePackage:
    """Rules for treatment decisions in turn. ``best_arm`` and ``usual`` index ``sequences``, its arms.

    ``names``: of the stages. ``columns``: what each stage's arm is called where later stages ask for it.
    """

    name: str
    title: str
    outcome: Outcome
    names: tuple[str, ...]
    columns: tuple[str, ...]
    stages: tuple[RulePackage, ...]
    sequences: tuple[str, ...]
    usual: int | None
    best_arm: int
    findings: Findings
    study: str


def stage_files(package: StagePackage) -> dict[str, bytes]:
    """The files of a package, by name: those of each stage begin with ``stage1-`` and so on."""
    about = {
        "name": package.name,
        "title": package.title,
        "outcome": asdict(package.outcome),
        "names": list(package.names),
        "columns": list(package.columns),
        "sequences": list(package.sequences),
        "usual": package.usual,
        "best_arm": package.best_arm,
    }
    files = {
        "stages.json": to_json(about, sort=False),
        "findings.json": findings_to_json(package.findings),
        "study.toml": package.study.encode(),
    }
    for number, stage in enumerate(package.stages, 1):
        own = rule_files(stage)
        del own["study.toml"]
        files |= {f"stage{number}-{name}": content for name, content in own.items()}
    return files


def stages_from(sealed: SealedPackage, path: Path) -> StagePackage:
    """Parse, and compare each stage with its golden predictions. Raises ``PackageError``."""
    files = sealed.files
    try:
        about = json.loads(files["stages.json"])
        stages = tuple(rule_from(_stage(files, number), path) for number in range(1, len(about["names"]) + 1))
        return StagePackage(
            name=about["name"],
            title=about["title"],
            outcome=Outcome(**about["outcome"]),
            names=tuple(about["names"]),
            columns=tuple(about["columns"]),
            stages=stages,
            sequences=tuple(about["sequences"]),
            usual=about["usual"],
            best_arm=about["best_arm"],
            findings=findings_from_json(files["findings.json"]),
            study=files["study.toml"].decode(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            f"{path}: signed, but no stages that this version can read ({type(error).__name__}: {error}).",
            hint="Learn the study again with this version.",
        ) from None


def _stage(files: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    prefix = f"stage{number}-"
    own = {name.removeprefix(prefix): content for name, content in files.items() if name.startswith(prefix)}
    return {**own, "study.toml": files["study.toml"]}
