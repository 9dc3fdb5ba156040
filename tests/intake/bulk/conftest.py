"""Keys, and servers to export from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bulk_stand_in import StandIn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from alleviate.intake.bulk import Credentials


@pytest.fixture
def server() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def elsewhere() -> Iterator[StandIn]:
    """Another origin."""
    server = StandIn()
    yield server
    server.close()


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP384R1())
    path = tmp_path_factory.mktemp("keys") / "client.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="session")
def client(key_file: Path) -> Credentials:
    return Credentials("alleviate-test", key_file)
