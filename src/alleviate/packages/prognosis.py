"""What a prognosis study's package holds once it is opened, and how it is laid out in files."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from alleviate.features import FeatureSpec, schema
from alleviate.models.prognosis.explained.seen import Seen
from alleviate.models.prognosis.foresight import Foresight
from alleviate.models.prognosis.model import PrognosisModel
from alleviate.packages.canonical import from_json, to_json
from alleviate.packages.folder import read
from alleviate.packages.manifest import Manifest
from alleviate.packages.prognosis_findings import PrognosisFindings
from alleviate.packages.rule import golden_people
from alleviate.terms.errors import PackageError
from alleviate.terms.prognosis_study import PredictedOutcome

__all__ = ["PrognosisPackage", "open_prognosis", "prognosis_files", "prognosis_from"]

GOLDEN_TOLERANCE = 1e-9
"""Largest difference from a golden prediction, relative to their spread."""


@dataclass(frozen=True, slots=True)
class PrognosisPackage:
    """A learned prognosis, ready to predict. ``outcome`` is complete; ``study`` is the study file.

    ``seen``: what people have, to say what would have to differ.
    """

    name: str
    title: str
    outcome: PredictedOutcome
    spec: FeatureSpec
    foresight: Foresight
    seen: Seen
    findings: PrognosisFindings
    study: str

    @property
    def model(self) -> PrognosisModel:
        return self.foresight.model


def prognosis_files(package: PrognosisPackage) -> dict[str, bytes]:
    """The files of a package, by name. The inverse of ``open_prognosis``, but for the seal."""
    model = {
        "name": package.name,
        "title": package.title,
        "outcome": asdict(package.outcome),
        "features": package.spec.to_dict(),
        "foresight": package.foresight.to_json(),
        "seen": package.seen.to_json(),
    }
    people = golden_people(package.model.encoder, package.spec)
    golden = {"people": people.to_dicts(), "expected": package.model.predict(people).linear.tolist()}
    return {
        "model.json": to_json(model, sort=False),
        "golden.json": to_json(golden, sort=False),
        "findings.json": to_json(package.findings, sort=False),
        "study.toml": package.study.encode(),
    }


def open_prognosis(path: Path) -> tuple[PrognosisPackage, Manifest]:
    """Verify, parse, and compare with the golden predictions. Raises ``PackageError``."""
    sealed = read(path)
    return prognosis_from(sealed.files, path), sealed.manifest


def prognosis_from(files: Mapping[str, bytes], path: Path) -> PrognosisPackage:
    """The prognosis that verified ``files`` hold, compared with its golden predictions.

    ``path``: where they lie, as an error shows it. Raises ``PackageError``.
    """
    try:
        package = _parsed(files)
        golden = json.loads(files["golden.json"])
        people = pl.DataFrame(golden["people"], schema=schema(package.spec))
        expected = np.array(golden["expected"], dtype=float)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            f"{path}: signed, but not a prognosis that this version can read "
            f"({type(error).__name__}: {error}).",
            hint="Learn the study again with this version.",
        ) from None
    found = package.model.predict(people).linear
    scale = GOLDEN_TOLERANCE * (1.0 + float(np.abs(expected).max(initial=0.0)))
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0.0, atol=scale):
        raise PackageError(
            f"{path}: the model does not give the golden predictions that were stored with it.",
            hint="Libraries here compute otherwise: learn it again, or use the versions in findings.json.",
        )
    return package


def _parsed(files: Mapping[str, bytes]) -> PrognosisPackage:
    model: dict[str, Any] = json.loads(files["model.json"])
    return PrognosisPackage(
        name=model["name"],
        title=model["title"],
        outcome=from_json(to_json(model["outcome"]), PredictedOutcome, name="model.json"),
        spec=FeatureSpec.from_dict(model["features"]),
        foresight=Foresight.from_json(model["foresight"]),
        seen=Seen.from_json(model["seen"]),
        findings=from_json(files["findings.json"], PrognosisFindings, name="findings.json"),
        study=files["study.toml"].decode(),
    )
