"""Whether lines were lost on the way: HAProxy's own counts of requests against the lines read."""

from dataclasses import dataclass

from tidegate.local.haproxy.tables import Worker


@dataclass(slots=True)
class Loss:
    """`lines` is how many lines were lost since the first look, at the least.

    What a worker answered before the first look is nobody's loss: `zero` is the smallest surplus
    of requests over lines that was ever seen. Requests may be under way, and lines not read yet,
    so only what was answered at one look and is still missing at the next is surely lost.
    """

    lines: int = 0
    pid: int = 0
    zero: int = 0
    before: int = 0
    answered: int = 0

    def look(self, worker: Worker, read: int) -> None:
        """Compare what the serving worker says with how many lines had been read before.

        The lines of a worker before it are among them: those that come late can hide as many lost
        ones, once.
        """
        requests = sum(group.requests for group in worker.groups.values())
        if worker.pid != self.pid:
            self.pid, self.zero, self.before = worker.pid, requests - read, self.lines
        else:
            self.zero = min(self.zero, requests - read)
            self.lines = max(self.lines, self.before + self.answered - read - self.zero)
        self.answered = requests - sum(group.under_way for group in worker.groups.values())
