"""Work that takes a while: builds, tests, scans, smoke checks and hooks (the port `Jobs`).

LocalJobs (runner.py)   a thread per job; what each came to; logs; pruning
├── build    context    the engine's builder, from one folder of the revision's tar
├── trial               a service's tests inside its image
├── scan                the scanner port
└── checks   hooks      the steps of a deployment
"""

from tidegate.local.jobs.runner import LocalJobs
from tidegate.local.jobs.site import Site

__all__ = ["LocalJobs", "Site"]
