"""Signing in and out, and what somebody signs in with."""

from alleviate.clinic.signing_in import account_page, second_page, way_in, way_out, with_provider
from alleviate.clinic.signing_in.cookies import of_cookie
from alleviate.clinic.signing_in.first import OneTimePassword, first_start

__all__ = ["OneTimePassword", "doors", "first_start", "of_cookie"]

doors = (way_in.door, way_out.door, with_provider.door, account_page.door, second_page.door)
