"""Effects in groups of people, on one axis: everybody first, then each group under its characteristic."""

from dataclasses import dataclass

from alleviate.packages.subgroup_findings import Subgroup, SubgroupFindings
from alleviate.reports.charts import axis_over
from alleviate.reports.forests import Forest, Row
from alleviate.reports.numbers import Scale
from alleviate.terms.estimates import Estimate

__all__ = ["GroupForest", "GroupRow", "GroupSet", "of_subgroups"]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """``change``: how the effect differs from that in the others, with its interval, as written."""

    row: Row
    group: Subgroup
    change: str


@dataclass(frozen=True, slots=True)
class GroupSet:
    """Groups of one characteristic, and the arm that theirs is compared with."""

    label: str
    against: str
    rows: tuple[GroupRow, ...]

    @property
    def p(self) -> float:
        """The smallest corrected p value of them."""
        return min(row.group.p for row in self.rows)


@dataclass(frozen=True, slots=True)
class GroupForest:
    """``overall``: a row for each other arm."""

    forest: Forest
    overall: tuple[Row, ...]
    sets: tuple[GroupSet, ...]


def of_subgroups(found: SubgroupFindings, scale: Scale) -> GroupForest:
    effects = [*found.overall.values(), *(group.effect for group in found.groups)]
    decimals = scale.decimals(effects)
    axis = axis_over(effects, 0.0, scale.important, factor=scale.factor, signed=True)

    def row(kind: str, name: str, e: Estimate) -> Row:
        return Row(kind, name, scale.gain(e, decimals), axis.mark(e))

    sets: dict[tuple[str, str, str], list[GroupRow]] = {}
    for group in found.groups:
        change = scale.gain(group.interaction, decimals)
        effect = row("group", group.level, group.effect)
        shown = GroupRow(effect, group, f"{change.point} ({change.interval})")
        sets.setdefault((group.feature, group.label, group.against), []).append(shown)
    overall = tuple(row("overall", arm, e) for arm, e in found.overall.items())
    rows = (*overall, *(row.row for own in sets.values() for row in own))
    return GroupForest(
        Forest(axis, rows, axis.at(0), axis.at(scale.important)),
        overall,
        tuple(GroupSet(label, against, tuple(own)) for (_, label, against), own in sets.items()),
    )
