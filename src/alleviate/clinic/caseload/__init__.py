"""The caseload: who needs me today, and why."""

from alleviate.clinic.caseload import api, pages

__all__ = ["doors"]

doors = (pages.door, api.door)
