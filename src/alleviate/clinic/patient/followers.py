"""The live packages that follow scores, off the shelf."""

from alleviate.clinic.patient.followed import Follower
from alleviate.clinic.shelf import Shelf
from alleviate.studies.courses.loaded import LoadedCourses

__all__ = ["follower_of", "followers_of"]

_DIGITS = 32


def followers_of(shelf: Shelf) -> tuple[Follower, ...]:
    """Every live package of courses, by name."""
    return tuple(follower_of(shelved.name, shelved.what) for shelved in shelf.courses())


def follower_of(name: str, courses: LoadedCourses) -> Follower:
    """``package`` is the seal that `alleviate.studies.courses.sweeping` stores results under."""
    following = courses.package.following
    return Follower(
        package=courses.manifest.files["model.json"].sha256[:_DIGITS],
        name=name,
        instrument_id=following.instrument_id,
        unit="sessions" if following.unit == "sessions" else "weeks",
        horizon=courses.package.model.horizon,
        per_100=courses.package.per_100,
    )
