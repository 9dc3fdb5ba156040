"""Which few features moderate an effect, and how: every small model, averaged in closed form.

A moderator is a straight line in a feature, a threshold on it, or two thresholds that must both hold. With a
flat prior on the arms' own effects and a normal one on the moderation, the marginal likelihood of each model
is known (O'Hagan & Forster 2004, ch. 11), and all follow from a few matrix products: an indicator squared is
itself, and two of them multiplied make a table of joint sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from alleviate.models.moderator_terms import ABOVE, BELOW, LINE, Terms, base_terms
from alleviate.models.ridge import effective
from alleviate.models.trial import Floats, Ints

__all__ = ["SPREADS", "SPREAD_PRIOR", "Average", "average_models"]

SMALLEST_SIDE = 0.05
"""Least share of the people for whom two thresholds both hold, and for whom they do not."""

PAIRED = 20
"""So many features, those of the most evidence alone, are tried in pairs: bounds the time."""

SPREADS = np.array([0.2, 0.4, 0.8])
"""How much the benefit of one arm over another may differ between people: SD, in units of the residual SD."""

SPREAD_PRIOR = np.exp(-0.5 * (SPREADS / 0.4) ** 2) / np.exp(-0.5 * (SPREADS / 0.4) ** 2).sum()
"""Half-normal: effects of therapies seldom differ by more (Nye et al. 2023)."""

NOBODY, ONE, BOTH, SUM = 0.32, 0.23, 0.14, 0.23
"""Prior chances: nobody differs; by one feature; by two that must both hold; by two that add up."""

MORE = (0.05, 0.03)
"""Prior chances of three moderators that add up, and of four."""

EXTENDED = 20
"""So many of the likeliest sets of two, and then of three, are tried with every other moderator besides."""

MASS, KEPT = 0.99, 1000
"""The likeliest models are kept until they hold this mass or are so many; the rest count as nobody."""

ROWS = 8192
"""People multiplied at a time: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Average:
    """What all models together say of q contrasts of the arms.

    ``mean`` (m, q): coefficients of ``terms``. The second moment of the effect, a q×q matrix, is the sum over
    pairs of ``blocks`` (P, q, q) times the values of the terms ``pairs`` (P, 2). ``nobody``: posterior chance
    that nobody differs; ``inclusion`` (p,): that a feature moderates.
    """

    terms: Terms
    mean: Floats
    pairs: Ints
    blocks: Floats
    nobody: float
    inclusion: Floats


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over n people of terms (m; thresholds as 0 or 1), times treatments (q), times residual.

    ``count`` (m, m); ``gram`` (q, q, m, m); ``joint`` (q, m, m): two terms, treatment, residual; ``single``
    (q, m): one term; ``fixed`` (q, q, m): one term, two treatments; ``own`` (q, q), ``level`` (q,): no term.
    ``scale`` (m,) is the SD of the terms as they stand here.
    """

    n: float
    count: Floats
    gram: Floats
    joint: Floats
    single: Floats
    fixed: Floats
    own: Floats
    level: Floats
    inverse: Floats
    scale: Floats


@dataclass(frozen=True, slots=True)
class _Family:
    """N models of one form: ``gram`` (d, d, N), ``response`` (d, N) of their standardised columns.

    What the arms' own effects explain is taken out. Model i has the moderators ``terms`` (N, summands) of
    ``list``; ``features`` (N, 2) are those that they use; ``prior`` (N,).
    """

    gram: Floats
    response: Floats
    list: Terms
    terms: Ints
    features: Ints
    prior: Floats

    def precision(self, spread: float) -> float:
        """Of a coefficient, over σ⁻²: two arms differ by a contrast of squared length 2."""
        return 2.0 * float(self.terms.shape[1]) / spread**2

    def evidence(self, squares: float, freedom: float) -> Floats:
        """(spreads, N): log of prior times marginal likelihood, over that of nobody differing."""
        d = len(self.gram)
        result = np.empty((len(SPREADS), len(self.prior)))
        for s, spread in enumerate(SPREADS):
            precision = self.precision(spread)
            gram, response = self.gram / precision, self.response / np.sqrt(precision)
            gram[np.arange(d), np.arange(d)] += 1.0
            explained, log_det = _eliminate(gram, response)
            left = np.maximum(1.0 - explained / squares, 1e-12)
            result[s] = np.log(SPREAD_PRIOR[s]) - 0.5 * log_det - 0.5 * freedom * np.log(left)
        return result + np.log(self.prior)

    def moments(self, index: Ints, weight: Floats, squares: float, freedom: float) -> tuple[Floats, Floats]:
        """Weighted first (N', d) and second (N', d, d) moments of the coefficients of some models.

        ``weight`` (spreads, N').
        """
        gram = np.moveaxis(self.gram[:, :, index], 2, 0)
        response = self.response[:, index].T
        first, second = np.zeros(response.shape), np.zeros(gram.shape)
        for s, spread in enumerate(SPREADS):
            inverse = np.linalg.inv(gram + self.precision(spread) * np.eye(gram.shape[1]))
            mean = (inverse @ response[:, :, None])[:, :, 0]
            noise = np.maximum(squares - (mean * response).sum(axis=1), 1e-12) / freedom
            first += weight[s, :, None] * mean
            moment = mean[:, :, None] * mean[:, None, :] + noise[:, None, None] * inverse
            second += weight[s, :, None, None] * moment
        return first, second


def average_models(x: Floats, treated: Floats, residual: Floats, weight: Floats) -> Average:
    """Average over all models of up to two moderators, and the likeliest of three and four.

    ``x`` (n, p), ``treated`` (n, q) treatments in contrasts minus their expectation, ``residual`` (n,)
    outcome minus its expectation, ``weight`` (n,) ≥ 0: people count by it, and together as many as their
    effective number (Kish 1965).
    """
    root = np.sqrt(effective(weight))[:, None]
    treated, residual = treated * root, residual * root[:, 0]
    base, share = base_terms(x)
    sums = _sums(base, x, treated, residual)
    squares = max(float(residual @ residual - sums.level @ sums.inverse @ sums.level), 1e-300)
    freedom = max(float((root**2).sum()) - treated.shape[1], 1.0)
    single = _singles(base, share, sums)
    log_single = single.evidence(squares, freedom)
    families, evidence = [single], [log_single]
    able = _promising(base, log_single)
    for family in _pairs(base, share, sums, able):
        families.append(family)
        evidence.append(family.evidence(squares, freedom))
    added, found = families[1], evidence[1]
    for chance in MORE:
        sets = _extended(base, added.terms, found, able)
        if not len(sets):
            break
        size = sets.shape[1]
        prior = chance * share[sets].prod(axis=1) / comb(len(able), size)
        added = _adding_up(base, sums, sets, prior)
        found = added.evidence(squares, freedom)
        families.append(added)
        evidence.append(found)
    top = max(*(float(e.max(initial=-np.inf)) for e in evidence), float(np.log(NOBODY)))
    weights = [np.exp(e - top) for e in evidence]
    nobody = NOBODY * np.exp(-top)
    total = nobody + sum(float(w.sum()) for w in weights)
    weights = [w / total for w in weights]
    inclusion = np.zeros(x.shape[1])
    for family, found in zip(families, weights, strict=True):
        for features in family.features.T:
            np.add.at(inclusion, features, found.sum(axis=0))
    kept = _keep(weights, float(nobody / total))
    return _collect(
        families, kept, weights, squares, freedom, float(nobody / total), np.minimum(inclusion, 1.0)
    )


def _eliminate(gram: Floats, response: Floats) -> tuple[Floats, Floats]:
    """r'G⁻¹r and log |G| of N positive definite systems at once: (d, d, N), (d, N), both used up."""
    explained, determinant = np.zeros(gram.shape[2]), np.ones(gram.shape[2])
    for k in range(len(gram)):
        pivot = gram[k, k]
        explained += response[k] ** 2 / pivot
        determinant *= pivot
        for i in range(k + 1, len(gram)):
            factor = gram[i, k] / pivot
            response[i] -= factor * response[k]
            for j in range(k + 1, i + 1):
                gram[i, j] -= factor * gram[j, k]
    return explained, np.log(determinant)


def _sums(base: Terms, x: Floats, treated: Floats, residual: Floats) -> _Sums:
    m, q = len(base), treated.shape[1]
    line = base.kind[:, 0] == LINE
    plain = base.standardised(np.where(line, base.centre, 0.0), np.where(line, base.scale, 1.0))
    count, gram, joint = np.zeros((m, m)), np.zeros((q, q, m, m)), np.zeros((q, m, m))
    single, fixed = np.zeros((q, m)), np.zeros((q, q, m))
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        b, t, r = plain.values(x[rows]), treated[rows], residual[rows]
        count += b.T @ b
        single += (t * r[:, None]).T @ b
        for c in range(q):
            joint[c] += (b * (t[:, c] * r)[:, None]).T @ b
            for d in range(c + 1):
                weighted = b * (t[:, c] * t[:, d])[:, None]
                gram[c, d] += weighted.T @ b
                fixed[c, d] += weighted.sum(axis=0)
    for c in range(q):
        for d in range(c):
            gram[d, c], fixed[d, c] = gram[c, d].T, fixed[c, d]
    own = treated.T @ treated
    inverse: Floats = np.linalg.pinv(own, rcond=1e-10, hermitian=True).astype(np.float64)
    scale = np.where(line, 1.0, base.scale)
    return _Sums(float(len(x)), count, gram, joint, single, fixed, own, treated.T @ residual, inverse, scale)


def _free(gram: Floats, left: Floats, right: Floats, inverse: Floats) -> Floats:
    """A block (q, q, N) of a gram without what the arms' own effects explain."""
    explained: Floats = np.einsum("abn,bc,cdn->adn", left, inverse, right)
    return gram - explained


def _singles(base: Terms, share: Floats, sums: _Sums) -> _Family:
    every = np.arange(len(base))
    gram = _free(sums.gram[:, :, every, every], sums.fixed, sums.fixed, sums.inverse)
    response = sums.single - np.einsum("abn,b->an", sums.fixed, sums.inverse @ sums.level)
    features = base.feature[:, :1]
    prior = ONE * share / max(len(np.unique(features)), 1)
    return _Family(gram / sums.scale**2, response / sums.scale, base, every[:, None], features, prior)


def _promising(base: Terms, evidence: Floats) -> Ints:
    """The features with the most evidence alone, at most ``PAIRED``, in their order."""
    features = np.unique(base.feature[:, 0])
    best = [evidence[:, base.feature[:, 0] == j].max() for j in features]
    return np.sort(features[np.argsort(-np.round(best, 9), kind="stable")[:PAIRED]])


def _pairs(base: Terms, share: Floats, sums: _Sums, features: Ints) -> Iterator[_Family]:
    """Two moderators of different features that add up, and two thresholds that must both hold."""
    able = np.flatnonzero(np.isin(base.feature[:, 0], features))
    i, j = (able[side] for side in np.triu_indices(len(able), 1))
    differ = base.feature[i, 0] != base.feature[j, 0]
    i, j = i[differ], j[differ]
    pairs = max(len(features) * (len(features) - 1) / 2, 1.0)
    yield _adding_up(base, sums, np.column_stack([i, j]), SUM * share[i] * share[j] / pairs)
    threshold = base.kind[:, 0] == ABOVE
    i, j = (side[threshold[i] & threshold[j]] for side in (i, j))
    cuts = np.bincount(base.feature[threshold, 0], minlength=base.feature.max(initial=0) + 1)
    prior = BOTH / (4.0 * pairs * cuts[base.feature[i, 0]] * cuts[base.feature[j, 0]])
    for below in ((False, False), (False, True), (True, False), (True, True)):
        yield _both_hold(base, sums, i, j, below, prior)


def _extended(base: Terms, sets: Ints, evidence: Floats, features: Ints) -> Ints:
    """(N, s + 1): each of the likeliest ``sets`` (N, s) with each moderator of another feature, once."""
    mass = np.logaddexp.reduce(evidence, axis=0)
    best = sets[np.argsort(-np.round(mass, 9), kind="stable")[:EXTENDED]]
    other = np.flatnonzero(np.isin(base.feature[:, 0], features))
    larger = np.column_stack([np.repeat(best, len(other), axis=0), np.tile(other, len(best))])
    taken = base.feature[larger, 0]
    new = (taken[:, :-1] != taken[:, -1:]).all(axis=1)
    return np.unique(np.sort(larger[new], axis=1), axis=0)


def _adding_up(base: Terms, sums: _Sums, sets: Ints, prior: Floats) -> _Family:
    """N models, each of the moderators of a row of ``sets`` (N, s)."""
    q, scale, size = len(sums.own), sums.scale, sets.shape[1]
    gram, response = np.empty((size * q, size * q, len(sets))), np.empty((size * q, len(sets)))
    single = sums.single - np.einsum("abn,b->an", sums.fixed, sums.inverse @ sums.level)
    for u, first in enumerate(sets.T):
        rows = slice(u * q, (u + 1) * q)
        response[rows] = single[:, first] / scale[first]
        for v, second in enumerate(sets.T):
            block = _free(
                sums.gram[:, :, first, second],
                sums.fixed[:, :, first],
                sums.fixed[:, :, second],
                sums.inverse,
            )
            gram[rows, v * q : (v + 1) * q] = block / (scale[first] * scale[second])
    return _Family(gram, response, base, sets, base.feature[sets, 0], prior)


def _both_hold(
    base: Terms, sums: _Sums, i: Ints, j: Ints, below: tuple[bool, bool], prior: Floats
) -> _Family:
    def corner(whole: Floats, one: Floats, table: Floats) -> Floats:
        """A sum over those for whom both hold, of the sums over all, by one threshold, by both."""
        both = table[..., i, j]
        match below:
            case (False, False):
                return both
            case (False, True):
                return one[..., i] - both
            case (True, False):
                return one[..., j] - both
            case _:
                return whole - one[..., i] - one[..., j] + both

    share = corner(np.array(sums.n), np.diag(sums.count), sums.count) / sums.n
    enough = np.flatnonzero(np.minimum(share, 1 - share) >= SMALLEST_SIDE)
    gram = corner(sums.own[:, :, None], sums.fixed, sums.gram)[:, :, enough]
    response = corner(sums.level[:, None], sums.single, sums.joint)[:, enough]
    share, pair = share[enough], np.column_stack([i, j])[enough]
    scale = np.sqrt(share * (1 - share))
    free = _free(gram, gram, gram, sums.inverse)
    response = response - np.einsum("abn,b->an", gram, sums.inverse @ sums.level)
    kind = np.tile(np.where(below, BELOW, ABOVE), (len(pair), 1))
    above = (np.diag(sums.count) / sums.n)[pair]
    means = np.where(below, 1.0 - above, above)
    terms = Terms(kind, base.feature[pair, 0], base.cut[pair, 0], share, scale, means)
    own = np.arange(len(pair))[:, None]
    return _Family(free / scale**2, response / scale, terms, own, terms.feature, prior[enough])


def _keep(weights: list[Floats], nobody: float) -> list[Ints]:
    """For each family the models worth keeping; of equals the first."""
    each = [w.sum(axis=0) for w in weights]
    family = np.repeat(np.arange(len(each)), [len(w) for w in each])
    within = np.concatenate([np.arange(len(w)) for w in each])
    mass = np.concatenate(each)
    least = np.partition(mass, -KEPT)[-KEPT] if len(mass) > KEPT else 0.0
    likely = np.flatnonzero(mass >= (1 - 1e-6) * least)
    order = likely[np.argsort(-np.round(mass[likely], 9), kind="stable")[:KEPT]]
    needed = int(np.searchsorted(nobody + mass[order].cumsum(), MASS)) + 1
    chosen = order[:needed]
    return [np.sort(within[chosen[family[chosen] == f]]) for f in range(len(each))]


def _collect(
    families: list[_Family],
    kept: list[Ints],
    weights: list[Floats],
    squares: float,
    freedom: float,
    nobody: float,
    inclusion: Floats,
) -> Average:
    """One list of terms, their mean coefficients, and the second moments pair by pair."""
    q = len(families[0].gram)
    lists, means, pairs, blocks, start = [], [], [], [], 0
    for family, index, weight in zip(families, kept, weights, strict=True):
        first, second = family.moments(index, weight[:, index], squares, freedom)
        used, at = np.unique(family.terms[index], return_inverse=True)
        at = at.reshape(len(index), family.terms.shape[1])
        mean = np.zeros((len(used), q))
        for u in range(at.shape[1]):
            rows = slice(u * q, (u + 1) * q)
            np.add.at(mean, at[:, u], first[:, rows])
            for v in range(u + 1):
                block = second[:, rows, v * q : (v + 1) * q]
                pairs.append(start + at[:, [u, v]])
                blocks.append(block if u == v else block + np.swapaxes(block, 1, 2))
        lists.append(family.list.rows(used))
        means.append(mean)
        start += len(used)
    both, at = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
    summed = np.zeros((len(both), q, q))
    np.add.at(summed, at.ravel(), np.concatenate(blocks))
    return Average(Terms.joined(lists), np.concatenate(means), both, summed, nobody, inclusion)
