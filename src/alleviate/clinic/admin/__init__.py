"""Who may sign in: the administrator's pages."""

from alleviate.clinic.admin.accounts import door

__all__ = ["doors"]

doors = (door,)
