"""What is true of the demonstration's people, apart from all that advises; and how often advice was right.

The truth lies in a file of its owner's beside the vault, and nothing reads it but an officer's page of the
demonstration. A real clinic has no such file: nobody knows what another treatment would have done.
"""

import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from alleviate.clinic.demo.people import Everybody
from alleviate.clinic.settings import Settings
from alleviate.records.synthetic.settings import TREATMENTS
from alleviate.terms.estimates import Estimate, Z

__all__ = ["Judged", "folder_of", "how_right", "judged", "store_judged", "store_truth"]

_FILE, _JUDGED = "truth.parquet", "judged.json"
_TITLES = {each.name: each.title for each in TREATMENTS}


@dataclass(frozen=True, slots=True)
class Judged:
    """Of ``n`` people with advice. ``share``: of whom it named the treatment that is best for them, with its
    95 % interval; ``by_chance``: as lots would. How many points of PHQ-9 at the end lie, on average, between
    the best treatment and the one advised (``lost``), the one given (``given``), and the one that is best for
    all together (``everybody``; ``one`` is its name): 0 is best.
    """

    n: int
    share: Estimate
    by_chance: float
    lost: Estimate
    given: Estimate
    everybody: Estimate
    one: str


def how_right(settings: Settings) -> Judged | None:
    """How right the demonstration's own rule is about its current patients, none of whom it learned from.

    None where the clinic is no demonstration, or its rule could not be learned.
    """
    folder = folder_of(settings)
    if folder is None or not (folder / _JUDGED).exists():
        return None
    return msgspec.json.decode((folder / _JUDGED).read_bytes(), type=Judged)


def store_judged(folder: Path, found: Judged) -> None:
    """For `how_right`."""
    _put(folder / _JUDGED, msgspec.json.format(msgspec.json.encode(found)))


def folder_of(settings: Settings) -> Path | None:
    """Where the truth of the demonstration lies; None where the clinic is none."""
    folder = Path(settings.vault).parent
    return folder if settings.demo and (folder / _FILE).exists() else None


def store_truth(folder: Path, everybody: Everybody) -> None:
    """The columns: ``subject_id``, ``given``, and what to expect of each treatment by its title."""
    truth = everybody.truth()
    told = truth.select(
        "subject_id",
        pl.col("assigned").replace_strict(_TITLES).alias("given"),
        *(pl.col(f"expected_{name}").alias(title) for name, title in _TITLES.items()),
    )
    buffer = io.BytesIO()
    told.write_parquet(buffer)
    _put(folder / _FILE, buffer.getvalue())


def judged(folder: Path, advised: Mapping[str, str]) -> Judged | None:
    """How right it was to advise to each of these (by the source's id) this treatment (by its title).

    Those of whom the truth knows nothing, and those advised something else, are left out; None if all are.
    """
    rows = pl.DataFrame(
        {"subject_id": list(advised), "advised": list(advised.values())},
        schema={"subject_id": pl.String(), "advised": pl.String()},
    )
    titles = list(_TITLES.values())
    known = pl.read_parquet(folder / _FILE).join(
        rows.filter(pl.col("advised").is_in(titles)), on="subject_id", how="inner"
    )
    if known.is_empty():
        return None
    best = pl.min_horizontal(titles)
    one = min(titles, key=lambda title: float(known[title].sum()))
    lost = known.select(
        lost=_of("advised", titles) - best, given=_of("given", titles) - best, everybody=pl.col(one) - best
    )
    return Judged(
        n=known.height,
        share=_share(int((lost["lost"] <= 0).sum()), known.height),
        by_chance=1 / len(titles),
        lost=_mean(lost["lost"]),
        given=_mean(lost["given"]),
        everybody=_mean(lost["everybody"]),
        one=one,
    )


def _put(path: Path, data: bytes) -> None:
    """For its owner alone; whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    draft.replace(path)


def _of(column: str, titles: list[str]) -> pl.Expr:
    """What to expect under the treatment that a column names."""
    return pl.coalesce(pl.when(pl.col(column) == title).then(pl.col(title)) for title in titles)


def _share(hits: int, n: int) -> Estimate:
    """Wilson's 95 % interval of a share."""
    share, spread = hits / n, Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    reach = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return Estimate(share, min(middle - reach, share), max(middle + reach, share))


def _mean(values: pl.Series) -> Estimate:
    deviation = values.std() if len(values) > 1 else 0.0
    return Estimate.from_se(float(values.mean() or 0.0), float(deviation or 0.0) / math.sqrt(len(values)))  # type: ignore[arg-type]
