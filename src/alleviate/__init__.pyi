from alleviate.studies.learning import Learned, learn
from alleviate.studies.loading import load
from alleviate.studies.rules import LearnedRule
from alleviate.studies.stage_rules import LearnedStages

__all__ = ["Learned", "LearnedRule", "LearnedStages", "__version__", "learn", "load"]

__version__: str
