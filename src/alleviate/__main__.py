"""`python -m alleviate` is the command line."""

import sys

from alleviate.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
