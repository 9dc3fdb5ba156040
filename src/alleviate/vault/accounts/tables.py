"""The tables of who signs in. In plain text: random ids, kinds, times; the rest is sealed or a blind index.

``accounts``     who may sign in; of a patient's own account the body is under the patient's key
``credentials``  what they sign in with
``subjects``     blind indexes of who they are at an identity provider
``sessions``     hashes of the tokens in people's browsers
``tickets``      what is kept between two steps, under the hash of the token that takes it
``locks``        blind indexes of logins and addresses that failed to sign in
``spent``        blind indexes of what holds one time only
``clients``      systems with keys of their own
``notices``      what is told to everybody, about no patient; only grows
"""

import sqlalchemy as sa

from alleviate.vault.schema import METADATA

__all__ = [
    "ACCOUNTS",
    "CLIENTS",
    "CREDENTIALS",
    "KEPT",
    "LOCKS",
    "NOTICES",
    "SESSIONS",
    "SPENT",
    "SUBJECTS",
    "TICKETS",
]

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ACCOUNT = sa.String(12)
_INDEX = sa.LargeBinary
_MOMENT = sa.BigInteger  # microseconds since 1970, UTC

ACCOUNTS = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account", _ACCOUNT, primary_key=True),
    sa.Column("login", _INDEX, nullable=False, unique=True),
    sa.Column("patient", sa.String(32), nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

CREDENTIALS = sa.Table(
    "credentials",
    METADATA,
    sa.Column("account", _ACCOUNT, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

SUBJECTS = sa.Table(
    "subjects",
    METADATA,
    sa.Column("index", _INDEX, primary_key=True),
    sa.Column("account", _ACCOUNT, nullable=False, index=True),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("session", _INDEX, primary_key=True),
    sa.Column("account", _ACCOUNT, nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("opened", _MOMENT, nullable=False),
    sa.Column("seen", _MOMENT, nullable=False),
    sa.Column("idle", _MOMENT, nullable=False),
    sa.Column("ends", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

TICKETS = sa.Table(
    "tickets",
    METADATA,
    sa.Column("ticket", _INDEX, primary_key=True),
    sa.Column("until", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

LOCKS = sa.Table(
    "locks",
    METADATA,
    sa.Column("key", _INDEX, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last", _MOMENT, nullable=False),
    sa.Column("until", _MOMENT, nullable=False),
)

SPENT = sa.Table(
    "spent",
    METADATA,
    sa.Column("index", _INDEX, primary_key=True),
    sa.Column("until", _MOMENT, nullable=False),
)

CLIENTS = sa.Table(
    "clients",
    METADATA,
    sa.Column("client", sa.String(64), primary_key=True),
    sa.Column("issuer", _INDEX, nullable=True, unique=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

NOTICES = sa.Table(
    "notices",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False, index=True),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

KEPT = (ACCOUNTS, CREDENTIALS, SUBJECTS, TICKETS, SPENT, CLIENTS, NOTICES)
"""What a backup holds. A session and a lock are of their day: restored, a closed one would open again."""
