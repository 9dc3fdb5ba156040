"""The recommendation, in words and numbers."""

from alleviate.advice.recommend import recommend, recommend_all, recommend_table
from alleviate.advice.recommendation import Recommendation

__all__ = ["Recommendation", "recommend", "recommend_all", "recommend_table"]
