"""What safety and data-protection officers see, how the service does, and what data scientists may read."""

from alleviate.clinic.gate import Door

__all__ = ["doors"]

doors: tuple[Door, ...] = ()
