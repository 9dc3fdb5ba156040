"""From a study file to a cohort, a fit, an evaluation, a package and a report."""
