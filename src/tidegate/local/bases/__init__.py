"""Base images where no registry can be reached: made from the machine's own Debian packages.

A stand-in is never called by the name it stands in for, which would outlive the outage and pass
for the real one. `research/runtime.md` §2 has what was measured.
"""

from tidegate.local.bases.resolving import resolve
from tidegate.local.bases.standin import StandIn, stand_in

__all__ = ["StandIn", "resolve", "stand_in"]
