"""The model card of a packaged prognosis (Mitchell et al. 2019, FAT* 220–229), to read before using it."""

from alleviate.reports.pages import templates
from alleviate.reports.prognosis import rankings
from alleviate.reports.prognosis.assembly import feature_labels
from alleviate.reports.prognosis.outcome import OutcomeScale
from alleviate.reports.tripod.facts import Known, facts

__all__ = ["model_card"]


def model_card(known: Known, *, package_name: str) -> str:
    """As one HTML page: no script, no network, the same bytes for the same input."""
    f, scale = known.findings, OutcomeScale.of(known.findings)
    return (
        templates()
        .get_template("card.html.jinja")
        .render(
            study=known.study,
            f=f,
            scale=scale,
            words=rankings.WORDS,
            labels=feature_labels(known.study, f),
            known=facts(known),
            lines=rankings.of_measures(f.validations[0], scale),
            groups=[(found, rankings.of_group(found, scale)) for found in f.groups],
            manifest=known.manifest,
            package_name=package_name,
        )
    )
