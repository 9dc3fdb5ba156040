"""Learn from trials and records who is helped by which treatment, and advise the next patient."""

from alleviate.studies.learning import Learned, learn
from alleviate.studies.rules import LearnedRule, load

__all__ = ["Learned", "LearnedRule", "__version__", "learn", "load"]

__version__ = "0.1.0"
