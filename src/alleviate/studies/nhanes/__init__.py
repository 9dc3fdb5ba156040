"""NHANES, the US health survey: adults with their PHQ-9, one row each, from the files a reader brings."""

from alleviate.studies.nhanes.reading import NAME, read_cycle
from alleviate.studies.nhanes.survey import CYCLES, SPANS, open_survey, survey_table

__all__ = ["CYCLES", "NAME", "SPANS", "open_survey", "read_cycle", "survey_table"]
