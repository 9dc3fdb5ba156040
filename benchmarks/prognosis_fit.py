"""A fit of the prognosis race in a process of its own: SET REPEAT FOLD CONTENDER SECONDS → a line of JSON."""

import json
import sys
import warnings
from dataclasses import asdict

from prognosis_names import OURS, PEERS
from prognosis_runs import judge

if __name__ == "__main__":
    name, repeat, fold, contender, seconds = sys.argv[1:]
    warnings.simplefilter("ignore")
    (asked,) = [one for one in (OURS, *PEERS) if one.name == contender]
    print(json.dumps(asdict(judge((name, int(repeat), int(fold)), asked, float(seconds)))))
