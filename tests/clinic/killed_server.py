"""A server for the tests to kill: ``python killed_server.py VAULT PACKAGES PORT``.

For each line on standard input one is started, in a process of its own, and its process id printed. All is
loaded before, so that a start takes a second and not ten.
"""

import os
import sys
from pathlib import Path

from alleviate.clinic import serving
from alleviate.clinic.settings import Settings

if __name__ == "__main__":
    vault, packages, port = sys.argv[1:]
    settings = Settings.read(
        {}, vault=vault, packages=Path(packages), base_url=f"http://127.0.0.1:{port}", second_factor=False
    )
    for _ in sys.stdin:
        if not (child := os.fork()):
            serving.serve(settings, host="127.0.0.1", port=int(port), workers=1)
            os._exit(0)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("gone", flush=True)
