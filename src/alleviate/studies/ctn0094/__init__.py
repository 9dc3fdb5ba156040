"""Three randomised trials in opioid use disorder (CTN-0027, -0030, -0051), from their relational tables.

The tables are those of the R package ``public.ctn0094data`` (MIT licence), which a reader brings along.
``open_trial`` gives one row a person randomised: arm, site, what was known before, what came of it.
"""

from alleviate.studies.ctn0094.reading import NAME, Tables, read_tables
from alleviate.studies.ctn0094.screens import weekly_screens
from alleviate.studies.ctn0094.trials import TABLES, TRIALS, open_trial, randomised, trial_table

__all__ = [
    "NAME",
    "TABLES",
    "TRIALS",
    "Tables",
    "open_trial",
    "randomised",
    "read_tables",
    "trial_table",
    "weekly_screens",
]
