"""Who races: names, libraries, and what was chosen where a library leaves it open."""

from dataclasses import dataclass

__all__ = ["OURS", "PEERS", "SIMPLE", "Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """``library``: the installed package whose version is told."""

    name: str
    library: str
    setting: str


OURS = Named("ours", "alleviate", "default candidates; who cannot be judged gets the best arm")

SIMPLE = (
    Named("plain", "numpy", "analysis of covariance; its best arm for everybody"),
    Named("ridge T-learner", "scikit-learn", "RidgeCV in each arm, 25 penalties"),
    Named(
        "advantage index",
        "scikit-learn",
        "ElasticNetCV, l1_ratio .5, 10 folds; arms and products penalised alike",
    ),
)

PEERS = (
    Named("econml CausalForestDML", "econml", "defaults"),
    Named("econml DRLearner", "econml", "defaults: a linear final stage"),
    Named("econml DRPolicyTree", "econml", "defaults"),
    Named("econml DRPolicyForest", "econml", "defaults"),
    Named("causalml uplift forest", "causalml", "defaults; binary outcomes only: above the median or not"),
    Named("causalml DR, boosted", "causalml", "XGBRegressor at its defaults throughout"),
    Named("causalml DR, ridge", "causalml", "RidgeCV throughout"),
    Named("stochtree BCF", "stochtree", "defaults; arms as columns of one multivariate treatment"),
)
