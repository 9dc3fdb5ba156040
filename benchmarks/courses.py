"""Expected courses: P5 against the oracle and the simple ways, bands, alerts, speed. Part of `make bench`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from alleviate.models.courses.course import CourseModel, Forecasts, fit_courses
from alleviate.models.courses.scale import Scale
from courses_p5 import CHANGE, PEERS, SESSIONS, Courses, band_alarm, draw, histories, oracle
from courses_speed import speed
from lines import RESULTS, Line, mean_error, note, written

__all__ = ["lines"]

LEARN, NEW = 1000, 2000
JUDGED = (2, 4)
SCALE = Scale(0, 27, "lower", CHANGE)
ASKED = (10, 20, 30)
FEW = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """One seed. AUCs by session judged. ``end_cover``, ``next_cover`` (10,), ``thirds`` (2, 3, 10): bands.

    ``alerts`` (3, 9) per 100 at sessions 1–9, ``ever`` (3,) over the course. ``catches``: with as many false
    alarms as the severity bands raise."""

    seed: int
    ours: dict[str, float]
    oracle: dict[str, float]
    dropped: dict[str, float]
    peers: dict[str, dict[str, float]]
    end_cover: list[float]
    next_cover: list[float]
    thirds: list[list[list[float]]]
    drop_cover: list[float]
    band: dict[str, list[float]]
    catches: dict[str, float]
    alerts: list[list[float]]
    ever: list[float]
    told: list[float]
    calibration: dict[str, float]
    intake: float
    left: float


def judge(seed: int) -> Judged:
    rng = np.random.default_rng(seed)
    train, new = draw(LEARN, rng), draw(NEW, rng)
    leaving = draw(LEARN, rng, dropout=True)
    y = new.unchanged
    model = fit_courses(histories(train), SCALE, seed=seed)
    found = model.forecast(histories(new))
    off = (1 - found.p_improve).reshape(NEW, SESSIONS)
    other = fit_courses(histories(leaving), SCALE, seed=seed)
    dropped = other.forecast(histories(new))
    off_dropped = (1 - dropped.p_improve).reshape(NEW, SESSIONS)
    first = [roc_auc_score(y, off[:, s]) for s in JUDGED]
    peers = {
        name: {str(s): float(roc_auc_score(y, peer(train, new, s))) for s in JUDGED}
        for name, peer in PEERS.items()
    }
    band, catches = {}, {}
    for s in JUDGED:
        alarm = band_alarm(train, new, s)
        false, caught = float(alarm[~y].mean()), float(alarm[y].mean())
        # as many false alarms as the bands raise, on the same people; ties go against us
        cut = np.quantile(off[~y, s], 1 - false, method="higher")
        band[str(s)], catches[str(s)] = [false, caught], float((off[y, s] > cut).mean())
    alerts, ever, told = _alerts(model, off, y)
    end, near, thirds = _cover(model, found, new)
    return Judged(
        seed,
        {str(s): float(auc) for s, auc in zip(JUDGED, first, strict=True)},
        {str(s): float(roc_auc_score(y, oracle(new, s, rng))) for s in JUDGED},
        {str(s): float(roc_auc_score(y, off_dropped[:, s])) for s in JUDGED},
        peers,
        end,
        near,
        thirds,
        _cover(other, dropped, new)[0],
        band,
        catches,
        alerts,
        ever,
        told,
        {str(s): float(off[:, s].mean() - y.mean()) for s in JUDGED},
        float(roc_auc_score(y, off[:, 0])),
        float((leaving.stayed < SESSIONS - 1).mean()),
    )


def _cover(
    model: CourseModel, found: Forecasts, new: Courses
) -> tuple[list[float], list[float], list[list[list[float]]]]:
    end = new.scores[:, -1:]
    low, high, near_low, near_high = (
        getattr(found, name).reshape(NEW, SESSIONS)[:, :-1]
        for name in ("low", "high", "next_low", "next_high")
    )
    in_end = (low <= end) & (end <= high)
    in_next = (near_low <= new.scores[:, 1:]) & (new.scores[:, 1:] <= near_high)
    third = model.end_bands.third(new.scores[:, 0])
    thirds = [[covered[third == k].mean(axis=0).tolist() for k in range(3)] for covered in (in_end, in_next)]
    return in_end.mean(axis=0).tolist(), in_next.mean(axis=0).tolist(), thirds


def _alerts(
    model: CourseModel, off: np.ndarray, y: np.ndarray
) -> tuple[list[list[float]], list[float], list[float]]:
    """Per 100 at sessions 1 to 9, over the course, and the share of counts within what was told."""
    alerts, ever, told = [], [], []
    for asked in ASKED:
        cut = model.workload.plan(asked).thresholds
        alerts.append([100 * float((off[:, s] >= cut[s]).mean()) for s in range(1, SESSIONS - 1)])
        cut = model.workload.plan(asked, "patient").thresholds
        raised = np.logical_or.reduce([off[:, s] >= cut[s] for s in range(1, SESSIONS - 1)])
        ever.append(100 * float(raised.mean()))
    plan = model.workload.plan(20)
    for s in range(1, SESSIONS - 1):
        raised = off[:, s] >= plan.thresholds[s]
        happened = {
            "alerts": raised,
            "caught": raised & y,
            "false_alarms": raised & ~y,
            "missed": ~raised & y,
        }
        foreseen = plan.stages[s].among(NEW)
        told.append(
            float(np.mean([foreseen[k].low <= v.sum() <= foreseen[k].high for k, v in happened.items()]))
        )
    return alerts, ever, told


def lines(judged: Sequence[Judged]) -> list[Line]:
    found = []
    for s in map(str, JUDGED):
        ours, best = (np.array([getattr(j, what)[s] for j in judged]) for what in ("ours", "oracle"))
        gap = ours - best
        text = f"{ours.mean():.4f}, oracle {best.mean():.4f} ({mean_error(gap)})"
        found.append(
            Line(
                f"session {s}: AUC for no reliable change", "≥ oracle − .01", text, bool(gap.mean() >= -0.01)
            )
        )
        for name in PEERS:
            peer = np.array([j.peers[name][s] for j in judged])
            above = ours - peer
            text = f"{peer.mean():.4f} (ours {mean_error(above)})"
            found.append(Line(f"session {s}: {name}", "below ours", text, bool(above.mean() > 0)))
        loss = ours - np.array([j.dropped[s] for j in judged])
        left = np.mean([j.left for j in judged])
        found.append(
            Line(
                f"session {s}: AUC lost where {left:.0%} leave",
                "≤ .02",
                mean_error(loss),
                bool(loss.mean() <= 0.02),
            )
        )
        false, caught = np.array([j.band[s] for j in judged]).mean(axis=0)
        ratio = np.array([j.catches[s] / j.band[s][1] for j in judged])
        mine = np.mean([j.catches[s] for j in judged])
        text = f"{mine:.3f} against {caught:.3f} of them at {false:.3f} false: "
        text += f"{ratio.mean():.2f} ± {ratio.std(ddof=1) / np.sqrt(len(ratio)):.2f} ×"
        found.append(
            Line(
                f"session {s}: catches against the severity bands", "≥ 1.3 ×", text, bool(ratio.mean() >= 1.3)
            )
        )
        off = np.array([j.calibration[s] for j in judged])
        found.append(Line(f"session {s}: mean chance of no change less share", "", mean_error(off), None))
    return found + _bands(judged) + _shares(judged)


def _bands(judged: Sequence[Judged]) -> list[Line]:
    found = []
    for what, index in (("end_cover", 0), ("next_cover", 1)):
        cover = np.array([getattr(j, what) for j in judged]).mean(axis=0)
        thirds = np.array([j.thirds[index] for j in judged]).mean(axis=0)
        name = "end score" if index == 0 else "next score"
        text = f"{cover.min():.1%} to {cover.max():.1%} over sessions 0–9"
        holds = bool(((cover >= 0.88) & (cover <= 0.92)).all())
        found.append(Line(f"90 % bands of the {name}", "88–92 % at each session", text, holds))
        low, high = thirds.min(), thirds.max()
        text = f"{low:.1%} to {high:.1%} over thirds and sessions"
        found.append(
            Line(f"90 % bands of the {name}, by severity", "≥ 85 % in each third", text, bool(low >= 0.85))
        )
    cover = np.array([j.drop_cover for j in judged]).mean(axis=0)
    text = f"{cover.min():.1%} to {cover.max():.1%} over sessions 0–9"
    found.append(Line("90 % bands of the end score, learned where many leave", "", text, None))
    return found


def _shares(judged: Sequence[Judged]) -> list[Line]:
    found = []
    alerts, ever = np.array([j.alerts for j in judged]), np.array([j.ever for j in judged])
    for i, asked in enumerate(ASKED):
        mean, near = alerts[:, i].mean(axis=0), (np.abs(alerts[:, i] / asked - 1) <= 0.1).mean()
        text = f"{mean.min():.1f} to {mean.max():.1f} over sessions 1–9; within it {near:.0%} of single ones"
        holds = bool((np.abs(mean / asked - 1) <= 0.1).all())
        found.append(Line(f"alerts per 100 at a session, {asked} asked", "± 10 %", text, holds))
        near = (np.abs(ever[:, i] / asked - 1) <= 0.1).mean()
        text = f"{ever[:, i].mean():.1f}; {near:.0%} of single clinics within"
        holds = bool(abs(ever[:, i].mean() / asked - 1) <= 0.1)
        found.append(Line(f"alerts per 100 over the course, {asked} asked", "± 10 %", text, holds))
    told = np.mean([j.told for j in judged])
    text = f"{told:.1%} of alerts, catches, false alarms and misses"
    found.append(Line("counts inside the 95 % intervals told beforehand", "≥ 90 %", text, bool(told >= 0.9)))
    intake = np.mean([j.intake for j in judged])
    found.append(Line("AUC from intake and one score", "", f"{intake:.4f}", None))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--people", type=int, default=100_000, help="for the speed; 0 leaves it out")
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    judged = []
    for seed in range(asked.first, asked.first + asked.seeds):
        judged.append(judge(seed))
        note(f"{seed}: {judged[-1].ours}, oracle {judged[-1].oracle}, after dropout {judged[-1].dropped}")
    found = lines(judged) + (speed(asked.people) if asked.people else [])
    settings = {"learned from": LEARN, "new": NEW, "seeds": asked.seeds, "first seed": asked.first}
    numbers = {"runs": json.loads(json.dumps([asdict(j) for j in judged]))}
    written("courses", "Expected courses on P5", found, settings, results=asked.results, numbers=numbers)
    return 0 if all(line.holds in (True, None) for line in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
