"""The page of every piece, in memory and served."""

import socket
from collections.abc import Iterator

import gallery
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from alleviate.clinic.looks import Looks
from alleviate.clinic.settings import Settings


@pytest.fixture(scope="package")
def shown() -> tuple[FastAPI, Looks]:
    return gallery.made(Settings(demo=True))


@pytest.fixture(scope="package")
def looks(shown: tuple[FastAPI, Looks]) -> Looks:
    return shown[1]


@pytest.fixture
def guest(shown: tuple[FastAPI, Looks]) -> TestClient:
    """A browser without anything kept from before."""
    return TestClient(shown[0], base_url="http://127.0.0.1:8000")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


@pytest.fixture(scope="package")
def address(shown: tuple[FastAPI, Looks]) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = free.getsockname()[1]
    with gallery.served(shown[0], found) as url:
        yield url
