"""The libraries to race against, at their own defaults, in an environment of their own: `make peers`.

One thread each. Known chances of assignment are handed over where the library takes them.
"""

import numpy as np
from causalml.inference.meta import BaseDRRegressor
from causalml.inference.tree import UpliftRandomForestClassifier
from econml.dml import CausalForestDML
from econml.dr import DRLearner
from econml.policy import DRPolicyForest, DRPolicyTree
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stochtree import BCFModel
from xgboost import XGBRegressor

from contenders import Assign, Contender, best_of, complete
from problems import Draw, Floats
from race_names import PEERS as NAMES

__all__ = ["PEERS"]


def causal_forest(draw: Draw, seed: int) -> Assign:
    known = complete(draw)
    model = CausalForestDML(discrete_treatment=True, n_jobs=1, random_state=seed)
    model.fit(known.y, known.arm, X=known.x)
    return best_of(model.const_marginal_effect)


def dr_learner(draw: Draw, seed: int) -> Assign:
    known = complete(draw)
    model = DRLearner(random_state=seed).fit(known.y, known.arm, X=known.x)
    return best_of(model.const_marginal_effect)


def policy_tree(draw: Draw, seed: int) -> Assign:
    known = complete(draw)
    model = DRPolicyTree(random_state=seed).fit(known.y, known.arm, X=known.x)
    return lambda x: np.asarray(model.predict(x), dtype=np.int64).ravel()


def policy_forest(draw: Draw, seed: int) -> Assign:
    known = complete(draw)
    model = DRPolicyForest(n_jobs=1, random_state=seed).fit(known.y, known.arm, X=known.x)
    return lambda x: np.asarray(model.predict(x), dtype=np.int64).ravel()


def uplift_forest(draw: Draw, seed: int) -> Assign:
    """The outcome made binary: whether it lies above its median."""
    known = complete(draw)
    model = UpliftRandomForestClassifier(control_name="0", random_state=seed)
    model.fit(known.x, known.arm.astype(str), (known.y > np.median(known.y)).astype(int))
    return best_of(model.predict)


def dr_boosted(draw: Draw, seed: int) -> Assign:
    return _causalml_dr(
        draw, seed, BaseDRRegressor(XGBRegressor(n_jobs=1, random_state=seed), control_name=0)
    )


def dr_ridge(draw: Draw, seed: int) -> Assign:
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 25)))
    return _causalml_dr(draw, seed, BaseDRRegressor(ridge, control_name=0))


def _causalml_dr(draw: Draw, seed: int, model: BaseDRRegressor) -> Assign:
    known = complete(draw)
    model.fit(known.x, known.arm, known.y, p=_pairwise(known), seed=seed)
    return best_of(model.predict)


def _pairwise(draw: Draw) -> dict[int, Floats] | None:
    """Known chance of each arm among those who got it or the first."""
    if draw.probability is None:
        return None
    first = draw.probability[:, 0]
    chances = range(1, draw.probability.shape[1])
    return {k: draw.probability[:, k] / (draw.probability[:, k] + first) for k in chances}


def bayesian_forest(draw: Draw, seed: int) -> Assign:
    """Arms as columns of one multivariate treatment."""
    known = complete(draw)
    k = draw.mean.shape[1]
    given = np.eye(k)[known.arm][:, 1:]
    chances = None if known.probability is None else known.probability[:, 1:]
    if chances is None and k > 2:  # the library estimates them for one treatment only
        chances = np.tile(given.mean(axis=0), (len(given), 1))
    model = BCFModel()
    model.sample(
        X_train=known.x,
        Z_train=given,
        y_train=known.y,
        propensity_train=chances,
        general_params={"random_seed": seed, "num_threads": 1},
    )

    def effects(x: Floats) -> Floats:
        shape = (len(x), k - 1)
        new = None if chances is None else np.broadcast_to(chances.mean(axis=0), shape).copy()
        draws = model.predict(X=x, Z=np.zeros(shape), propensity=new, type="mean", terms="cate")
        return np.asarray(draws, dtype=float).reshape(shape)

    return best_of(effects)


FITS = (
    causal_forest,
    dr_learner,
    policy_tree,
    policy_forest,
    uplift_forest,
    dr_boosted,
    dr_ridge,
    bayesian_forest,
)
PEERS = tuple(Contender(named, fit) for named, fit in zip(NAMES, FITS, strict=True))
