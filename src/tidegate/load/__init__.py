"""An open-loop HTTP load generator that counts every request at the client.

Every request has an intended send time, fixed before the run. Latency runs from that time, so a
target that stalls cannot hide it (Gil Tene's "coordinated omission"). Nothing is sent twice.

    profile   when requests are due: constant, ramp, spike, steps, replay; pure
    target    what is asked, and which hosts may be asked at all; vegeta: its targets file
    reply     reading one HTTP/1.1 reply; pure
    plan, connection, pool, generate   the sender: one process, non-blocking sockets, epoll
    result    what happened to each request; acts between marks
    report    percentiles, rates, verdict; JSON; text, html and compare beside it
    axes, plot, cards      charts and tables of a page; files: writing it, whole or not at all
    background, worker     a run in a process of its own, with live counts

`tidegate.load` needs nothing of Tidegate but its errors: `python -m tidegate.load --help`.
"""

from tidegate.load.background import Background, Snapshot
from tidegate.load.generate import Generator
from tidegate.load.plan import Limits, Plan
from tidegate.load.profile import Profile, constant, ramp, replay, spike, steps
from tidegate.load.report import Report, summarise
from tidegate.load.result import Counts, Result
from tidegate.load.target import Header, Tag, Target

__all__ = [
    "Background",
    "Counts",
    "Generator",
    "Header",
    "Limits",
    "Plan",
    "Profile",
    "Report",
    "Result",
    "Snapshot",
    "Tag",
    "Target",
    "constant",
    "ramp",
    "replay",
    "spike",
    "steps",
    "summarise",
]
