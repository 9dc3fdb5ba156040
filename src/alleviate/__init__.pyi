from alleviate.studies.learning import Learned, learn
from alleviate.studies.rules import LearnedRule, load

__all__ = ["Learned", "LearnedRule", "__version__", "learn", "load"]

__version__: str
