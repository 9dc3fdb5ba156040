"""Figures worked out because an officer asked: in the background, one pass at a time in each process."""

import logging
import threading

from alleviate.clinic.officers.figures import compute
from alleviate.clinic.services import Services

__all__ = ["ask_for_figures"]

_THREAD = "officers/computing"
_LOCK = threading.Lock()
_PATIENCE = 3.0
"""Seconds that an officer's request waits: a small clinic's figures are there by then."""
_LOG = logging.getLogger("alleviate.officers")


def ask_for_figures(shared: Services, patience: float = _PATIENCE) -> bool:
    """Begin, unless it is under way; whether they are there already."""
    with _LOCK:
        thread: threading.Thread | None = shared.kept.get(_THREAD)
        if thread is None or not thread.is_alive():
            thread = threading.Thread(target=_compute, args=(shared,), name="figures", daemon=True)
            shared.kept[_THREAD] = thread
            thread.start()
    thread.join(patience)
    return not thread.is_alive()


def _compute(shared: Services) -> None:
    try:
        compute(shared)
    except Exception as error:
        # The type alone: an exception's words may hold what is about somebody.
        _LOG.error("The figures could not be worked out: %s", type(error).__name__)
