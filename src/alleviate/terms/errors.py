"""The one exception tree. Each error says what was expected, what came, and what to do."""

__all__ = [
    "AlleviateError",
    "AuditError",
    "ConflictError",
    "ConsentError",
    "DataError",
    "InputError",
    "NotEnoughDataError",
    "PackageError",
    "RefusedError",
    "StudyError",
    "VaultError",
]


class AlleviateError(Exception):
    """Base of every error that Alleviate raises on purpose.

    ``message`` is one plain line (expected, what came); ``hint`` is one line on what to do next.
    ``exit_code`` is what the command line returns: 1 our fault, 2 bad input, 3 not enough data.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(AlleviateError):
    """What was handed in cannot be used as it is."""

    exit_code = 2


class StudyError(InputError):
    """A study file is wrong: names file, line and key, and the nearest valid name."""


class DataError(InputError):
    """A data file or table is wrong: names file, lines and column."""


class PackageError(InputError):
    """A package is missing, damaged, tampered with, or signed by nobody we trust."""


class VaultError(InputError):
    """The vault cannot be opened, read or written as asked: location, key, space, or a patient it lacks."""


class ConsentError(VaultError):
    """The purpose is not given or the patient has not consented to it; nothing was read."""


class AuditError(VaultError):
    """The audit cannot be written, so nothing is served; or its chain is broken, with the first bad link."""


class ConflictError(VaultError):
    """Somebody else was faster: what was seen is not what stands; nothing was stored."""


class RefusedError(InputError):
    """Whoever asks may not do this; says nothing of what there is."""


class NotEnoughDataError(AlleviateError):
    """The data are well-formed but too few to learn from; nothing is packaged."""

    exit_code = 3
