"""The report of a prognosis: what is foreseen, how well, for whom, and where it must not be used."""

from alleviate.reports.prognosis.assembly import prognosis_report

__all__ = ["prognosis_report"]
