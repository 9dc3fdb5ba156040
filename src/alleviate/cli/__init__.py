"""The command line, thin."""

from alleviate.cli.app import main

__all__ = ["main"]
