"""What people read: the study report, the model card, letters."""

from alleviate.reports.assembly import study_report

__all__ = ["study_report"]
