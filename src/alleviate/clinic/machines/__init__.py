"""Systems that call us, and from which people open the clinic: who each is, and what it may do."""

from alleviate.clinic.machines import admin, backend, configuration, launch

__all__ = ["doors"]

doors = (configuration.door, backend.door, launch.door, admin.door)
