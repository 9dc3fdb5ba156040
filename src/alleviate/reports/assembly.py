"""The study report: findings in, one self-contained HTML page out. Words and looks are in ``templates/``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from alleviate.packages.findings import Findings
from alleviate.reports import charts, forests, harm_chart, numbers, subgroup_forest, tree_drawing
from alleviate.reports.pages import templates
from alleviate.reports.routine import bands_plots, love_plot
from alleviate.reports.sites import site_forests
from alleviate.terms.study import Study

__all__ = ["study_report"]

STRENGTHS = ("established", "leaning", "none")
"""From the foot of the stacked picture upwards."""

IF_FOUND = ("stages", "subgroups", "harms", "missing", "routine", "sites")
"""Sections, named as the findings they show, that stand only where a study found such a thing."""


def study_report(study: Study, findings: Findings, *, package_name: str) -> str:
    """The report of a study as one HTML file: no script, no network, the same bytes for the same input.

    ``package_name`` is the folder that the report lies in or beside, as a person would type it.
    Raises ``ValueError`` where a tree is malformed or histograms of one picture have different edges.
    """
    scale = numbers.Scale.of(findings)
    tree = tree_drawing.parse(findings.rule.tree, scale) if findings.rule.tree else None
    told = findings.shortest.words.tree if findings.shortest and not findings.shortest.same else None
    short = tree_drawing.parse(told, scale) if told else None
    gain = findings.gain["over_best_arm"]
    lost, trimmed = sum(findings.missing_outcome.values()), _trimmed(findings)
    return (
        templates()
        .get_template("report.html.jinja")
        .render(
            study=study,
            f=findings,
            scale=scale,
            absent=_absent(findings),
            stages=[
                (stage, forests.of_values(stage, scale), forests.of_gains(stage, scale))
                for stage in findings.stages or ()
            ],
            package_name=package_name,
            observational=findings.assignment == "observational",
            headline=forests.headline(findings, scale),
            relation=forests.relation(gain, scale.important),
            values=forests.of_values(findings, scale),
            gains=forests.of_gains(findings, scale),
            moderators=forests.of_moderators(findings, scale),
            candidates=forests.of_candidates(findings, scale),
            sites=site_forests(findings, scale),
            harms=harm_chart.of_harms(findings, scale),
            love=love_plot(findings),
            hidden=bands_plots(findings, scale),
            controls_scale=replace(scale, binary=False),
            groups=subgroup_forest.of_subgroups(findings.subgroups, scale) if findings.subgroups else None,
            tree=tree,
            leaves=tree_drawing.leaves(tree) if tree else (),
            drawings=(tree_drawing.draw_down(tree), tree_drawing.draw_indented(tree)) if tree else (),
            short_tree=short,
            short_leaves=tree_drawing.leaves(short) if short else (),
            short_drawings=(tree_drawing.draw_down(short), tree_drawing.draw_indented(short))
            if short
            else (),
            spread=_spread(findings, scale),
            strengths=[(name, findings.strengths.get(name, 0.0)) for name in STRENGTHS],
            overlap=_overlap(findings),
            beaten=[arm for arm, e in findings.contrasts.items() if e.low > 0],
            unbeaten=[arm for arm, e in findings.contrasts.items() if e.low <= 0],
            column_groups=_column_groups(findings),
            left_out=findings.n_read - findings.n - lost - trimmed,
            trimmed=trimmed,
        )
    )


def _trimmed(findings: Findings) -> int:
    """People left out for want of a counterpart."""
    if findings.routine is None or findings.routine.trimming is None:
        return 0
    return sum(findings.routine.trimming.outside.values())


def _absent(findings: Findings) -> list[str]:
    """Sections left out. Of several stages each has its own people, so no one picture shows their benefit."""
    absent = [name for name in IF_FOUND if getattr(findings, name, None) is None]
    return absent if findings.stages is None else [*absent, "spread"]


@dataclass(frozen=True, slots=True)
class _ColumnGroup:
    """One column of the data: its one line, or a line for each of its levels (label, text by arm)."""

    name: str
    label: str
    missing: int
    levels: tuple[tuple[str, Mapping[str, str]], ...]


def _column_groups(findings: Findings) -> list[_ColumnGroup]:
    """Lines of the same column together; what their labels share ("marital status: ") is said once."""
    groups = []
    for name, lines in groupby(findings.columns, key=lambda column: column.name):
        columns = tuple(lines)
        labels = [column.label or name for column in columns]
        head = labels[0].partition(": ")[0]
        same = len(labels) > 1 and all(label.startswith(f"{head}: ") for label in labels)
        levels = tuple(
            (label.removeprefix(f"{head}: ") if same else label, column.by_arm)
            for label, column in zip(labels, columns, strict=True)
        )
        groups.append(
            _ColumnGroup(name, head if same else labels[0], max(column.missing for column in columns), levels)
        )
    return groups


def _spread(findings: Findings, scale: numbers.Scale) -> charts.Stack | None:
    series = {name: findings.benefit[name] for name in STRENGTHS if name in findings.benefit}
    return charts.stack(series, 0.0, scale.important, factor=scale.factor) if series else None


def _overlap(findings: Findings) -> dict[str, charts.Stack]:
    """One histogram an arm, all to the same height, the axis from 0 to 100 %."""
    top = max((n for h in findings.overlap.by_arm.values() for n in h.counts), default=1)
    return {
        arm: charts.stack({arm: h}, 0.0, 1.0, factor=100, top=top)
        for arm, h in findings.overlap.by_arm.items()
    }
