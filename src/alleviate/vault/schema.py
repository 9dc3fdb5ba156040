"""The tables of a vault. In plain text: random ids, kinds, and when a version was changed and replaced.

``patients``     ``patient`` is ours, random; ``subject`` the source's id, sealed, and its blind index;
                 ``revision`` grows by one with each transaction that writes anything about the person
``names``        blind indexes by which a person is found: identifiers, family name with date of birth
``entries``      one row a version of an entry, its events sealed with the patient's key
``alerts``       one row a step of an alert, sealed with the patient's key; step 0 raised a safety alert,
                 an off-track alert was raised by its result in ``courses`` and has the steps from 1 on
``courses``      one row a score that learned courses judged, sealed with the patient's key
``sheets``       the workflow around a record, one row a sheet, never changed, sealed with the patient's key
``team``         which account cares for whom, in which function, from when until when
``glances``      what a caseload shows of each person, sealed with the patient's key: a cache, in no backup
``erasures``     blind indexes of the ids of erased people, so that no import brings them back
``definitions``  questionnaires; about no person
``audit``        see `alleviate.vault.audit`
``meta``         the vault's own id
"""

import sqlalchemy as sa

from alleviate.vault.audit import audit_table

__all__ = [
    "ALERTS",
    "AUDIT",
    "COURSES",
    "DEFINITIONS",
    "ENTRIES",
    "ERASURES",
    "GLANCES",
    "META",
    "METADATA",
    "NAMES",
    "OF_A_PERSON",
    "PATIENTS",
    "SHEETS",
    "TABLES",
    "TEAM",
]

METADATA = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ID = sa.String(32)
_MOMENT = sa.BigInteger  # microseconds since 1970, UTC

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

PATIENTS = sa.Table(
    "patients",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("patient", _ID, nullable=False, unique=True),
    sa.Column("subject_index", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
)

ENTRIES = sa.Table(
    "entries",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), nullable=False, index=True),
    sa.Column("ref", sa.LargeBinary, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("changed_at", _MOMENT, nullable=True),
    sa.Column("known_until", _MOMENT, nullable=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("ref", "version"),
)

NAMES = sa.Table(
    "names",
    METADATA,
    sa.Column("index", sa.LargeBinary, primary_key=True),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), primary_key=True, index=True),
    sa.Column("ref", sa.LargeBinary, primary_key=True),
)

ALERTS = sa.Table(
    "alerts",
    METADATA,
    sa.Column("alert", _ID, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), nullable=False, index=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

COURSES = sa.Table(
    "courses",
    METADATA,
    sa.Column("result", _ID, primary_key=True),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), nullable=False, index=True),
    sa.Column("package", _ID, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

SHEETS = sa.Table(
    "sheets",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("sheet", _ID, nullable=False, unique=True),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("thread", sa.LargeBinary, nullable=False, index=True),
    sa.Column("once", sa.LargeBinary, nullable=True, unique=True),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "kind", "at"),
)

TEAM = sa.Table(
    "team",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), nullable=False, index=True),
    sa.Column("account", sa.String(64), nullable=False),
    sa.Column("basis", sa.String(10), nullable=False),
    sa.Column("function", sa.String(40), nullable=False),
    sa.Column("since", _MOMENT, nullable=False),
    sa.Column("until", _MOMENT, nullable=True),
    sa.Index(None, "account", "patient"),
    sqlite_autoincrement=True,  # a number that was given is never given again: `team.mark` counts on it
)

GLANCES = sa.Table(
    "glances",
    METADATA,
    sa.Column("patient", _ID, sa.ForeignKey(PATIENTS.c.patient), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("version", _ID, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("patient", _ID, primary_key=True),
    sa.Column("subject_index", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("erased_at", _MOMENT, nullable=False),
)

DEFINITIONS = sa.Table(
    "definitions",
    METADATA,
    sa.Column("ref", sa.Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

AUDIT = audit_table(METADATA)

OF_A_PERSON = (NAMES, ALERTS, COURSES, SHEETS, TEAM, GLANCES, ENTRIES)
"""What goes with the person, before the row in ``patients``."""

TABLES = (META, PATIENTS, ENTRIES, NAMES, ALERTS, COURSES, SHEETS, TEAM, ERASURES, DEFINITIONS, AUDIT)
"""What a backup holds, in the order in which rows can be put in."""
