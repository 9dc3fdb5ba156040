"""Starting from another population's package: it is verified, its features are matched by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alleviate.models.prognosis.contract import Budget
from alleviate.models.prognosis.deep.sequences import READER
from alleviate.models.prognosis.people import People
from alleviate.models.prognosis.shelf import CANDIDATES
from alleviate.models.prognosis.transfer.curve import transfer_curve
from alleviate.models.prognosis.transfer.learning import TRANSFER, Source
from alleviate.packages.prognosis import PrognosisPackage, open_prognosis
from alleviate.packages.transfer_findings import TransferFindings, TransferWay
from alleviate.reports.numbers import number
from alleviate.studies import files
from alleviate.studies.prognosis.cohort import cohort, within
from alleviate.studies.prognosis.findings import WORDING
from alleviate.studies.rules import table_from
from alleviate.terms.errors import StudyError
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["Start", "start_of", "transfer_findings"]


@dataclass(frozen=True, slots=True)
class Start:
    """A source, and where it comes from. ``fingerprint``: SHA-256 of its model."""

    source: Source
    name: str
    title: str
    fingerprint: str


def start_of(study: PrognosisStudy, features: tuple[str, ...]) -> Start | None:
    """What ``study`` starts from, if anything; its own ``features`` are those to be matched.

    Raises ``PackageError`` for a package that does not hold, ``StudyError`` where nothing matches,
    ``DataError`` for source people that cannot be read.
    """
    if study.source is None:
        return None
    if READER in study.candidates:
        raise StudyError(
            f'[transfer] starts from features, but the candidate "{READER}" reads events.',
            hint=f'Leave "{READER}" out of [learning] candidates.',
        )
    package, manifest = open_prognosis(Path(study.source))
    if not set(package.spec.names) & set(features):
        raise StudyError(
            f"{study.source}: expected a source with features of this study, but none has the same name.",
            hint=f"It was learned from {', '.join(package.spec.names[:5])}; name columns alike.",
        )
    people = None if study.source_data is None else _people(package, Path(study.source_data))
    fingerprint = manifest.files["model.json"].sha256
    return Start(Source(package.model, people), package.name, package.title, fingerprint)


def _people(package: PrognosisPackage, path: Path) -> People:
    study = files.loads(package.study, source="study.toml")
    assert isinstance(study, PrognosisStudy)
    table = table_from(path)
    kinds = {feature.name: feature.kind for feature in package.spec.features}
    asked = replace(study, outcome=package.outcome)
    return cohort(replace(within(asked, table), include=package.spec.names), table, kinds=kinds).people


def transfer_findings(
    start: Start,
    final: Mapping[str, Any],
    chosen: Mapping[str, float],
    people: People,
    study: PrognosisStudy,
    budget: Budget,
) -> TransferFindings:
    """``final``: what the final step left; ``chosen``: candidate → share of the folds that chose it.

    The curve is of the simple candidates: many models are learned for it.
    """
    words, values = WORDING["transfer"], final["transfer"]
    simple = [name for name in study.candidates if CANDIDATES[name].simple]
    shown = {key: number(values[key], 3) for key in ("loss", "loss_afresh")}
    refused = values["refused"]
    reason = words["kept"].format(**shown)
    if refused is not None:
        reason = words["refused"].format(why=words["why"][refused].format(**shown))
    return TransferFindings(
        source=start.name,
        title=start.title,
        fingerprint=start.fingerprint,
        with_people=start.source.people is not None,
        ways=tuple(
            TransferWay(name, words["ways"][name], loss, share) for name, loss, share in values["ways"]
        ),
        loss=values["loss"],
        loss_afresh=values["loss_afresh"],
        refused=refused is not None,
        reason=reason,
        kept=chosen.get(TRANSFER, 0.0),
        curve=transfer_curve(people, start.source, simple, study.validation.seed, budget),
    )
