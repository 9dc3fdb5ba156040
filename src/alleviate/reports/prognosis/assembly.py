"""The report of a prognosis study: findings in, one self-contained HTML page out."""

from collections.abc import Mapping

from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.reports.pages import templates
from alleviate.reports.prognosis import pictures, rankings
from alleviate.reports.prognosis.outcome import OutcomeScale
from alleviate.terms.prognosis_study import PrognosisStudy

__all__ = ["feature_labels", "prognosis_report"]

IF_FOUND = {
    "features": "importance",
    "fitting": "fitting",
    "fairness": "groups",
    "coverage": "coverage",
}
"""Sections that stand only where a study found such a thing."""


def prognosis_report(study: PrognosisStudy, findings: PrognosisFindings, *, package_name: str) -> str:
    """The report as one HTML file: no script, no network, the same bytes for the same input.

    ``package_name`` is the folder that the report lies in or beside, as a person would type it.
    """
    scale, labels = OutcomeScale.of(findings), feature_labels(study, findings)
    order = [one.feature for one in findings.importance.features] if findings.importance else []
    return (
        templates()
        .get_template("prognosis.html.jinja")
        .render(
            study=study,
            f=findings,
            scale=scale,
            words=rankings.WORDS,
            labels=labels,
            absent=_absent(findings),
            package_name=package_name,
            headline=rankings.of_headline(findings.validations[0], scale),
            judged=[
                (
                    found,
                    rankings.of_measures(found, scale),
                    pictures.calibration(found, scale),
                    pictures.spread_of(found, scale),
                    None if found.benefit is None else pictures.net_benefit(found.benefit),
                )
                for found in findings.validations
            ],
            importance=rankings.of_importance(findings, labels),
            shapes=pictures.shape_pictures(findings.shapes, order, labels, scale),
            fitting=_fitting(findings),
            sites=() if findings.sites is None else rankings.of_sites(findings.sites, scale),
            groups=[(found, rankings.of_group(found, scale)) for found in findings.groups],
            coverage=rankings.of_coverage(findings, labels),
            candidates=rankings.of_candidates(findings),
        )
    )


def feature_labels(study: PrognosisStudy, findings: PrognosisFindings) -> Mapping[str, str]:
    """Column → its words."""
    return {column.name: column.label or column.name for column in findings.columns} | dict(study.labels)


def _absent(findings: PrognosisFindings) -> list[str]:
    absent = [section for section, field in IF_FOUND.items() if not getattr(findings, field)]
    return (
        absent if findings.sites or findings.elsewhere or findings.recalibration else [*absent, "elsewhere"]
    )


def _fitting(findings: PrognosisFindings) -> dict[str, object]:
    found = findings.fitting
    if found is None:
        return {}
    return {
        "learning": pictures.learning(found.curve, found.gap),
        "paths": (pictures.path(found.penalty), pictures.path(found.features)),
    }
