"""The recommended controller: the load in total, divided by what one task should carry.

need = max over the metrics of load / target. Because the load is a total and not an average over
tasks, the answer does not depend on how many tasks there are: blue and green are never counted
twice, and a task that has just started changes nothing. The rules:

* out, when the need is over what is there and coming by more than 10 % in two of three beats, the
  newest among them; never by more than max(4, as many as there are) in 15 s (Kubernetes' HPA);
* at once, when requests take longer than `panic_ms` on average (Little's law), or when the need is
  twice what is there (Knative's panic window);
* in, when the largest need of the last five minutes is more than 10 % below; to that need, never
  by more than half, at most once a minute, never while a deployment is under way;
* a beat without data, or in which requests hang and none ends, needs all that there are. After
  three beats without data the count is `fallback` at least (KEDA's fallback).

* either only when it is more than chance: a few requests more or fewer in a beat tell little of the
  load, so at low rates more beats are asked until a need is sure (`chance`).

A p95 over its target asks for more in proportion, and is remembered as the load per task that was
too much; from then on that load per task is a target like any other.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, inf

from tidegate.core.scaling.chance import TOLERANCE, Need, largest, mean_of
from tidegate.core.scaling.look import Look, Wish
from tidegate.core.scaling.policy import Totals
from tidegate.core.scaling.sample import BEAT_MS, Sample

MOST_AT_ONCE = 4
OUT_EVERY_MS = 15_000
IN_EVERY_MS = 60_000
PANIC_FACTOR = 2.0
SLOW_FACTOR = 2.0
"""A p95 asks for no more than so many times the tasks at once."""

SURE_BEATS = (1, 2, 4, 8, 16, 32, 64, 128)
"""So many beats, one row after the other, are asked whether the need is more than chance."""

BUSY_PERCENT = 95.0
"""Tasks that use as much CPU as this cannot use more: that is no chance."""

_ALONE = 0.5
"""Requests take different times, so a sum of times varies as a count of half as many (cs² = 1)."""


def wish(look: Look, policy: Totals) -> Wish | None:
    """What the controller wants now; None when the count is right, or nothing is known."""
    beats = look.beats[-3:]
    limit = _limit(look, policy)
    needs = [_need(policy, beat, limit) for beat in beats]
    if not any(needs):
        return _fallback(look, policy)
    return _out(look, policy, beats, needs, limit) or _in(look, policy, limit)


def need_now(look: Look, policy: Totals) -> tuple[Need, ...]:
    """What each metric asks for in the newest beat, for people."""
    if not look.beats:
        return ()
    return tuple(_needs(policy, look.beats[-1], _limit(look, policy)))


def _out(
    look: Look, policy: Totals, beats: Sequence[Sample], needs: list[Need | None],
    limit: float | None,
) -> Wish | None:  # fmt: skip
    there = look.counts.coming
    over = [n for n in needs if n and n.tasks > there * (1 + TOLERANCE)]
    newest = needs[-1]
    if newest is None or newest not in over[-1:]:
        return None
    panic = _panic(policy, beats[-1], newest, there)
    if len(over) < 2 and not panic:
        return None
    need = _sure(look, policy, limit)
    if need is None:
        return None
    last = look.state.last_out.get(policy.name)
    recent = last is not None and look.now - last.at < OUT_EVERY_MS
    base = last.base if last is not None and recent else there
    after = look.clamped(min(ceil(need.tasks), base + max(MOST_AT_ONCE, base)))
    if after <= look.desired:
        return None
    rate = _rate(beats[-1])
    learned = rate / after if need.slow and rate else None
    why = panic or f"in {len(over)} of the last {len(needs)} beats"
    if need.beats > 1:
        why = f"over the last {need.beats * BEAT_MS // 1_000} s"
    reason = f"{_words(need)} for {need.tasks:.1f} tasks and {there} are there, {why}"
    return Wish(policy.name, after, base, reason, need.metric, need.value, limit=learned or limit)


def _sure(look: Look, policy: Totals, limit: float | None) -> Need | None:
    """The need of the fewest newest beats that is surely more than what is there; None while it
    may be chance."""
    needs: list[Need] = []
    there = look.counts.coming
    for count in SURE_BEATS:
        if len(look.beats) < count:
            return None
        for beat in look.beats[-1 - len(needs) : -1 - count : -1]:
            need = _need(policy, beat, limit)
            if need is None:
                return None
            needs.append(need)
        found = mean_of(needs)
        if found.tasks <= there * (1 + TOLERANCE) or found.over(there):
            return found if found.over(there) else None
    return None


def _panic(policy: Totals, beat: Sample, need: Need, there: int) -> str:
    """Why one beat is enough, or empty."""
    rate = _rate(beat)
    if rate and beat.active is not None and 1_000 * beat.active / rate > policy.panic_ms:
        return f"and requests take {beat.active / rate:.1f} s"
    if need.tasks >= there * PANIC_FACTOR:
        return "at least twice as many"
    return ""


def _in(look: Look, policy: Totals, limit: float | None) -> Wish | None:
    """To the largest need of the window, if every beat of it was measured."""
    newest = _need(policy, look.beats[-1], limit) if look.beats else None
    if look.desired <= look.least:
        return None
    few = look.desired * (1 - TOLERANCE)
    if look.moving or newest is None or ceil(newest.seen) >= few:
        return None
    if look.now - look.state.last_change_at[1] < IN_EVERY_MS:
        return None
    window = _window(look, policy, limit, few)
    if not window:
        return None
    most = max(mean_of(window).tasks, _enough(look, policy, limit, window, few))
    if ceil(most) >= few:
        return None
    most = max(most, largest(window))
    after = look.clamped(max(ceil(most), ceil(look.desired / 2)))
    if after >= few:
        return None
    span_s = policy.scale_in_after_ms // 1_000
    reason = f"the largest need of the last {span_s} s was {most:.1f} tasks"
    if after > ceil(most):
        reason += ", and at most half go at once"
    return Wish(policy.name, after, look.desired, reason, newest.metric, newest.value, limit=limit)


def _window(look: Look, policy: Totals, limit: float | None, few: float) -> list[Need]:
    """The beats of `scale_in_after`, newest first; none when one asks for more than `few`, or was
    not measured."""
    count = policy.scale_in_after_ms // BEAT_MS
    window = look.beats[-count:]
    needs = []
    for beat in reversed(window if len(window) == count else ()):
        need = _whole(policy, beat, limit)
        if need is None or (ceil(need.tasks) >= few and ceil(need.seen) >= few):
            return []
        needs.append(need)
    return needs


def _enough(
    look: Look, policy: Totals, limit: float | None, window: list[Need], few: float
) -> float:
    """So many tasks are surely enough: by the window, or by twice, four times … as many beats when
    it holds too few requests to tell."""
    needs = window.copy()
    found = mean_of(needs).enough
    while ceil(found) >= few and len(needs) < SURE_BEATS[-1]:
        count = 2 * len(needs)
        if len(look.beats) < count:
            break
        for beat in look.beats[-1 - len(needs) : -1 - count : -1]:
            need = _whole(policy, beat, limit)
            if need is None:
                return found
            needs.append(need)
        found = min(found, mean_of(needs).enough)
    return found


@lru_cache(maxsize=4_096)  # each beat is asked at every look for as long as it is in the window
def _whole(policy: Totals, beat: Sample, limit: float | None) -> Need | None:
    """The need of a beat; None when a metric is missing in it, or requests hang and none ends."""
    needs = tuple(_needs(policy, beat, limit))
    asked = (policy.requests, policy.concurrency, policy.cpu_percent, policy.memory_percent)
    silent = beat.hosts is None or beat.requests is None or bool(beat.active and not beat.requests)
    measured = sum(not need.slow and need.metric != _LEARNED for need in needs)
    if silent or measured < sum(target is not None for target in asked):
        return None
    return max(needs, key=lambda need: need.tasks, default=Need(0.0))


_LEARNED = "requests at which p95 was over its target"


@lru_cache(maxsize=4_096)
def _need(policy: Totals, beat: Sample, limit: float | None) -> Need | None:
    """The largest need of one beat; None when nothing was measured in it."""
    return max(_needs(policy, beat, limit), key=lambda need: need.tasks, default=None)


def _needs(policy: Totals, beat: Sample, limit: float | None) -> Iterator[Need]:
    rate, hosts = _rate(beat), beat.hosts
    if policy.requests is not None and rate is not None:
        yield _of_rate(rate, policy.requests, "requests/s")
    if policy.concurrency is not None and beat.active is not None:
        tasks, counted = beat.active / policy.concurrency, max(beat.requests or 0, beat.active)
        yield Need(tasks, "requests under way", beat.active, counted=_ALONE * counted)
    if policy.cpu_percent is not None and beat.cpu_percent is not None and hosts:
        tasks, used = beat.cpu_percent * hosts / policy.cpu_percent, beat.cpu_percent
        counted = inf if used >= BUSY_PERCENT else _ALONE * (beat.requests or inf)
        yield Need(tasks, "CPU percent", used, counted=counted)
    if policy.memory_percent is not None and beat.memory_percent is not None and hosts:
        used = beat.memory_percent
        yield Need(used * hosts / policy.memory_percent, "memory percent", used)
    if policy.p95_ms is not None and rate is not None and hosts is not None:
        yield from _p95_needs(policy.p95_ms, beat, limit)


def _of_rate(rate: float, each: float, metric: str) -> Need:
    """Of so many requests a second, of which a task carries `each`."""
    unit = 1_000 / BEAT_MS / each
    return Need(rate / each, metric, rate, counted=rate * BEAT_MS / 1_000, unit=unit)


def _p95_needs(target_ms: int, beat: Sample, limit: float | None) -> Iterator[Need]:
    """A p95 that is too long, and the load per task at which one was; no load needs no task."""
    rate, hosts = _rate(beat) or 0.0, beat.hosts or 0.0
    slow_by = (beat.p95_us or 0) / 1_000 / target_ms
    if slow_by > 1:
        tasks, value = hosts * min(slow_by, SLOW_FACTOR), (beat.p95_us or 0) / 1_000
        yield Need(tasks, "p95 ms", value, slow=True, counted=_ALONE * (beat.requests or 0))
    if limit:
        yield _of_rate(rate, limit, _LEARNED)
    elif slow_by <= 1:
        yield Need(0.0, "p95 ms", (beat.p95_us or 0) / 1_000)


def _limit(look: Look, policy: Totals) -> float | None:
    """Requests per second and task that were too much; or more, if more has been carried since."""
    known = look.state.limit
    if policy.p95_ms is None or known is None or known[0] != look.release:
        return None
    good = known[1]
    for beat in look.beats[-policy.scale_in_after_ms // BEAT_MS :]:
        if beat.requests and beat.hosts and beat.p95_us and beat.p95_us <= policy.p95_ms * 1_000:
            good = max(good, beat.requests * 1_000 / BEAT_MS / beat.hosts)
    return good


def _rate(beat: Sample) -> float | None:
    """Requests per second."""
    return None if beat.requests is None else beat.requests * 1_000 / BEAT_MS


def _fallback(look: Look, policy: Totals) -> Wish | None:
    """Nothing was measured in three beats: no fewer than there are, and as many as asked for."""
    after = look.clamped(max(look.desired, policy.fallback))
    silent = len(look.series.beats) >= 3
    if after <= look.desired or not silent:
        return None
    reason = f"nothing could be measured for three beats, so the fallback of {policy.fallback}"
    return Wish(policy.name, after, look.counts.coming, reason)


def _words(need: Need) -> str:
    return f"{need.value:.4g} {need.metric} ask"
