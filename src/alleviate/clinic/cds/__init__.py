"""CDS Hooks: what the clinic knows of a person, told inside another system while somebody works there."""

from alleviate.clinic.cds.routes import door

__all__ = ["doors"]

doors = (door,)
