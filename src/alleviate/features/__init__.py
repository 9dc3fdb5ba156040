"""Records as known at a moment, or a study's table, turned into features."""

from alleviate.features.rows import FeatureRow, at
from alleviate.features.spec import Feature, FeatureSpec, Kind
from alleviate.features.tables import schema, table

__all__ = ["Feature", "FeatureRow", "FeatureSpec", "Kind", "at", "schema", "table"]
