"""Runs the clinic: one process or several, until it is asked to stop."""

import gc
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

import uvicorn
from fastapi import FastAPI

from alleviate.clinic.logs import configure
from alleviate.clinic.settings import Settings
from alleviate.clinic.wiring import application
from alleviate.terms.errors import InputError

__all__ = ["check_place", "serve", "worker"]

_TURN = 0.0005
"""Seconds that a thread computes before another may. Each query and each lock gives the turn away, and by
Python's own 5 ms a call of twenty queries waits a tenth of a second for one long page beside it."""
_GRACE = 20
"""Seconds that requests under way have once the clinic is asked to stop."""
_MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"


def worker() -> FastAPI:
    """What each of uvicorn's processes serves; the settings come from the environment."""
    configure()
    sys.setswitchinterval(_TURN)
    app = application()
    gc.collect()
    gc.freeze()  # what lives as long as the process is searched no more, while somebody waits for an answer
    return app


def check_place(settings: Settings, host: str, port: int) -> None:
    """Raises InputError where others could reach the clinic unencrypted, or the port cannot be had."""
    if not _here(host) and settings.loopback:
        raise InputError(
            f"At {host} others reach this clinic, but its address is {settings.base_url}.",
            hint="Put a proxy with TLS before it, and give its https address as --base-url.",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"Port {port} at {host} cannot be had: {error.strerror or error}.",
                hint="Stop what runs there, or choose another with --port.",
            ) from None


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Returns once the clinic was stopped: by Ctrl-C or SIGTERM, after the requests under way.

    Settings go to the workers by the environment of this process, which keeps them.
    """
    os.environ.update(settings.environment())
    configure()
    with _counted_together(workers):
        uvicorn.run(
            f"{__name__}:{worker.__name__}",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.proxies),
            forwarded_allow_ips=list(settings.proxies) or None,
            timeout_graceful_shutdown=_GRACE,
        )


@contextmanager
def _counted_together(workers: int) -> Iterator[None]:
    """A folder in which several workers' metrics are added up, unless there is one."""
    if workers == 1 or os.environ.get(_MULTIPROC):
        yield
        return
    folder = tempfile.mkdtemp(prefix="alleviate-metrics-")
    os.environ[_MULTIPROC] = folder
    try:
        yield
    finally:
        del os.environ[_MULTIPROC]
        shutil.rmtree(folder, ignore_errors=True)


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
