"""Learn from trials and records who is helped by which treatment, and advise the next patient."""

from importlib import import_module

__all__ = ["Learned", "LearnedRule", "LearnedStages", "__version__", "learn", "load"]

__version__ = "0.1.0"

_HOMES = {
    "Learned": "alleviate.studies.learning",
    "LearnedRule": "alleviate.studies.rules",
    "LearnedStages": "alleviate.studies.stage_rules",
    "learn": "alleviate.studies.learning",
    "load": "alleviate.studies.loading",
}
"""Where each name lives. It is loaded when it is asked for: a process that only reads records, or a command
that only prints, does not pay for the libraries that learn. ``__init__.pyi`` tells the types.
"""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
