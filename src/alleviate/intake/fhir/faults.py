"""Why a resource is not taken: the field and one plain sentence."""

__all__ = ["Fault"]


class Fault(Exception):
    """Raised while reading one resource; becomes a Refusal. ``field`` is in the resource: "code.coding"."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
