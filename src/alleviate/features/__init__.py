"""Records as known at a moment, or a study's table, turned into features."""

from alleviate.features.compiled import cohort_table
from alleviate.features.declared import declare, parse_days, read_features
from alleviate.features.rows import FeatureRow, at
from alleviate.features.sequences import event_lists
from alleviate.features.spec import TAKES, Feature, FeatureSpec, Kind, Take
from alleviate.features.tables import schema, table

__all__ = [
    "TAKES",
    "Feature",
    "FeatureRow",
    "FeatureSpec",
    "Kind",
    "Take",
    "at",
    "cohort_table",
    "declare",
    "event_lists",
    "parse_days",
    "read_features",
    "schema",
    "table",
]
