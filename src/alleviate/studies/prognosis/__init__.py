"""Prognosis studies: file → people → learning → validation → package and report."""
