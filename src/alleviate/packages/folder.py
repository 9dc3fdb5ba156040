"""The signed folder: written whole or not at all, and believed only after every byte is checked.

To check a signature without Alleviate::

    openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in manifest.json -sigfile manifest.sig
"""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature

from alleviate.packages.canonical import to_json
from alleviate.packages.durable import flush_folder, locked, store
from alleviate.packages.keys import fingerprint, home, public_from_pem, public_pem, signing_key, trusted
from alleviate.packages.manifest import FORMAT, SEAL, FileSeal, Manifest, Origin, manifest_from_json
from alleviate.terms.errors import InputError, PackageError

__all__ = ["MAX_BYTES", "MAX_FILES", "SealedPackage", "read", "refuse_strangers", "write"]

MAX_BYTES = 256 * 2**20
"""Most bytes that a package may hold, all files together: more is no rule, but an attack on the memory."""

MAX_FILES = 100

_RENEW = "Fetch the package again from where it came, or run `alleviate learn` again."


@dataclass(frozen=True, slots=True)
class SealedPackage:
    """A package whose signature and hashes have been checked. ``files``: name -> bytes, without the seal."""

    manifest: Manifest
    files: Mapping[str, bytes]


def write(out: Path, files: Mapping[str, bytes], origin: Origin) -> Path:
    """Sign ``files`` and put them at ``out``, in the place of an older package. Same input, same bytes.

    Killed at any moment, it leaves at ``out`` nothing, the old package or the new one, whole; the next call
    clears the rest away. Raises ``PackageError`` where something else lies at ``out`` or the disk refuses,
    ``ValueError`` for a bad file name.
    """
    key = signing_key()
    seals = {name: FileSeal.of(data) for name, data in files.items()}
    manifest = to_json(Manifest(FORMAT, origin, seals, fingerprint(key.public_key())))
    seal = dict(zip(SEAL, (manifest, key.sign(manifest), public_pem(key.public_key())), strict=True))
    contents = {**files, **seal}
    _refuse_huge(out, {name: len(data) for name, data in contents.items()})
    try:
        place = out.resolve()
        place.parent.mkdir(parents=True, exist_ok=True)
        with locked(place.parent):
            refuse_strangers(place)
            _clear(place)
            _put(place, contents)
    except OSError as error:
        raise PackageError(
            f"The package {out} cannot be written: {error.strerror}.",
            hint="Check the space on the disk and the permissions, or choose another folder.",
        ) from error
    return out


def read(path: Path) -> SealedPackage:
    """The package at ``path``. Nothing in it is parsed before the signature and every hash hold.

    Raises ``PackageError`` for anything changed, missing or added, and for a signer not trusted here.
    """
    contents = _contents(path)
    for name in SEAL:
        if name not in contents:
            raise PackageError(f"{path} is not a package: {name} is missing.", hint=_RENEW)
    raw, signature, pem = (contents.pop(name) for name in SEAL)
    public = trusted().get(pem)
    if public is None:
        raise _unknown_signer(path, pem)
    try:
        public.verify(signature, raw)
    except InvalidSignature:
        raise PackageError(
            f"manifest.json or manifest.sig in {path} was changed after it was signed.", hint=_RENEW
        ) from None
    manifest = manifest_from_json(raw)
    if manifest.signer != fingerprint(public):
        raise PackageError(f"signer.pem in {path} is not the key that its manifest names.", hint=_RENEW)
    for name, seal in manifest.files.items():
        if name not in contents:
            raise PackageError(f"{name} is missing from the package {path}.", hint=_RENEW)
        if FileSeal.of(contents[name]) != seal:
            raise PackageError(f"{name} in {path} was changed after it was signed.", hint=_RENEW)
    for name in sorted(contents.keys() - manifest.files.keys()):
        raise PackageError(f"{name!r} does not belong to the package {path}.", hint="Move it elsewhere.")
    return SealedPackage(manifest, {name: contents[name] for name in manifest.files})


def _contents(path: Path) -> dict[str, bytes]:
    """Every file in the folder, read once, after a look at what they are; names sorted.

    Under the lock, lest a package that is just being replaced looks like one that was tampered with.
    """
    try:
        place = path.resolve()
        with locked(place.parent):
            found = {entry.name: entry.lstat() for entry in sorted(place.iterdir())}
            _refuse_odd(path, found)
            return {name: _bytes(place / name, about.st_size) for name, about in found.items()}
    except FileNotFoundError:
        raise PackageError(f"There is no package at {path}.", hint="`alleviate learn` makes one.") from None
    except NotADirectoryError:
        raise PackageError(f"{path} is not a folder, as a package is.", hint="Name the folder.") from None
    except OSError as error:
        raise PackageError(
            f"The package {path} cannot be read: {error.strerror}.", hint="Check the permissions."
        ) from error


def _refuse_odd(path: Path, found: Mapping[str, os.stat_result]) -> None:
    for name, about in found.items():
        if not stat.S_ISREG(about.st_mode):
            kind = "a link" if stat.S_ISLNK(about.st_mode) else "a folder or device"
            raise PackageError(f"{name!r} in the package {path} is {kind}, not a file.", hint=_RENEW)
    _refuse_huge(path, {name: about.st_size for name, about in found.items()})


def _bytes(path: Path, size: int) -> bytes:
    """At most ``size`` bytes and one: what grew or was swapped for a link since the look at it is caught."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(size + 1)


def _refuse_huge(path: Path, sizes: Mapping[str, int]) -> None:
    if len(sizes) > MAX_FILES or sum(sizes.values()) > MAX_BYTES:
        raise PackageError(
            f"The package {path} has {len(sizes)} files and {sum(sizes.values()) / 2**20:.0f} MiB; "
            f"{MAX_FILES} files and {MAX_BYTES / 2**20:.0f} MiB are the most that one may have.",
            hint="Choose simpler learners, or check where the folder comes from.",
        )


def _unknown_signer(path: Path, pem: bytes) -> PackageError:
    try:
        public = public_from_pem(pem, name="signer.pem")
    except InputError:
        public = None
    if public is None or public_pem(public) != pem:
        return PackageError(f"signer.pem in {path} was changed after it was written.", hint=_RENEW)
    return PackageError(
        f"The package {path} is signed by {fingerprint(public)}, a key that this machine does not trust.",
        hint=f"If its maker confirms this fingerprint, copy {path / 'signer.pem'} to {home() / 'trusted'}/.",
    )


def _put(place: Path, contents: Mapping[str, bytes]) -> None:
    draft = _draft(place)
    try:
        draft.mkdir()
        for name, data in contents.items():
            store(draft / name, data)
        flush_folder(draft)
        if place.exists():
            place.rename(_aside(place))
        draft.rename(place)
        flush_folder(place.parent)
    finally:
        _clear(place)


def _clear(place: Path) -> None:
    """Under the lock, whatever lies about is of the dead. An old package comes back where no new one is."""
    aside = _aside(place)
    if aside.exists():
        aside.rename(_draft(place) if place.exists() else place)  # a draft may go file by file
    leftover = re.compile(rf"\.{re.escape(place.name)}\.tmp-[0-9a-f]{{16}}")
    for path in list(place.parent.iterdir()):
        if leftover.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def _draft(place: Path) -> Path:
    return place.with_name(f".{place.name}.tmp-{secrets.token_hex(8)}")


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.tmp-old")


def refuse_strangers(place: Path) -> None:
    """Only an empty folder, or one that holds nothing but what its manifest lists, may be replaced.

    Raises ``PackageError``. `write` asks it too: ask it earlier where much work comes before.
    """
    if not place.exists():
        return
    try:
        names = {entry.name for entry in place.iterdir()}
        listed = manifest_from_json((place / "manifest.json").read_bytes()).files if names else {}
    except (OSError, PackageError):
        raise PackageError(
            f"{place} is not a package, and is left as it is.", hint="Choose another folder."
        ) from None
    if strangers := sorted(names - set(listed) - set(SEAL)):
        raise PackageError(
            f"{place} holds what is not the package's own ({strangers[0]!r}), and is left as it is.",
            hint="Move it away, or choose another folder.",
        )
