"""The caseload: who needs me today, and why."""

from alleviate.clinic.caseload import api, keys, pages

__all__ = ["doors"]

doors = (pages.door, keys.door, api.door)
