"""What safety and data-protection officers see, how the service does, and what data scientists may read."""

from alleviate.clinic.officers import api, audit, glass, packages, pages, research

__all__ = ["doors"]

doors = (pages.door, packages.door, glass.door, audit.door, research.door, api.door)
