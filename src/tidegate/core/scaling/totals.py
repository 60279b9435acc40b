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

from bisect import bisect_left
from collections.abc import Sequence
from math import ceil

from tidegate.core.scaling.chance import TOLERANCE, Need, largest, mean_of
from tidegate.core.scaling.look import Look, Wish
from tidegate.core.scaling.needs import Needs, needs_of, rate_of
from tidegate.core.scaling.policy import Totals
from tidegate.core.scaling.sample import BEAT_MS, KEPT_BEATS, Sample

MOST_AT_ONCE = 4
OUT_EVERY_MS = 15_000
IN_EVERY_MS = 60_000
PANIC_FACTOR = 2.0

SURE_BEATS = (1, 2, 4, 8, 16, 32, 64, 128)
"""So many beats, one row after the other, are asked whether the need is more than chance."""


def wish(look: Look, policy: Totals) -> Wish | None:
    """What the controller wants now; None when the count is right, or nothing is known."""
    beats = look.beats[-3:]
    asked = needs_of(policy, _limit(look, policy))
    needs = [asked.need(beat) for beat in beats]
    if not any(needs):
        return _fallback(look, policy)
    return _out(look, asked, beats, needs) or _in(look, asked)


def need_now(look: Look, policy: Totals) -> tuple[Need, ...]:
    """What each metric asks for in the newest beat, for people."""
    if not look.beats:
        return ()
    return tuple(needs_of(policy, _limit(look, policy)).each(look.beats[-1]))


def quiet(look: Look, policy: Totals) -> range:
    """So many requests in the newest beat and nothing is wanted, whatever was measured before.

    None such when the policy reads other metrics as well.
    """
    asked = needs_of(policy, _limit(look, policy))
    if not asked.of_requests_alone:
        return range(0)

    def need(requests: int) -> Need:
        return next(asked.each(Sample(0, requests)))

    most = 1
    while not _over(look, need(most)):
        most *= 2
    low = bisect_left(range(most), x=True, key=lambda count: not _under(look, need(count)))
    high = bisect_left(range(most), x=True, key=lambda count: _over(look, need(count)))
    return range(low, high)


def stays_until(look: Look, policy: Totals) -> int:
    """Until then (ms) no task goes, whatever is measured, if nothing else changes; 0 if unknown.

    One went a moment ago, or a beat asked for as many as there are and is in the window so long.
    """
    asked = needs_of(policy, _limit(look, policy))
    if not asked.of_requests_alone:
        return 0
    few = look.desired * (1 - TOLERANCE)
    count = _window_beats(policy)
    newest_first = reversed(look.beats[-count:])
    keeps = next((b.at_ms for b in newest_first if _keeps(asked.whole(b), few)), None)
    leaves_at = 0 if keeps is None else keeps + (count + 1) * BEAT_MS
    return max(leaves_at, look.state.last_change_at[1] + IN_EVERY_MS)


def _over(look: Look, need: Need) -> bool:
    """Whether it is more than what is there and coming; no beat counts for scaling out else."""
    return need.tasks > look.counts.coming * (1 + TOLERANCE)


def _under(look: Look, need: Need) -> bool:
    """Whether tasks may go by the newest beat, if the others of the window say so too."""
    if look.desired <= look.least or look.moving:
        return False
    return ceil(need.seen) < look.desired * (1 - TOLERANCE)


def _out(
    look: Look, asked: Needs, beats: Sequence[Sample], needs: list[Need | None]
) -> Wish | None:
    policy, there = asked.policy, look.counts.coming
    over = [n for n in needs if n and _over(look, n)]
    newest = needs[-1]
    if newest is None or newest not in over[-1:]:
        return None
    panic = _panic(policy, beats[-1], newest, there)
    if len(over) < 2 and not panic:
        return None
    need = _sure(look, asked)
    if need is None:
        return None
    last = look.state.last_out.get(policy.name)
    recent = last is not None and look.now - last.at < OUT_EVERY_MS
    base = last.base if last is not None and recent else there
    after = look.clamped(min(ceil(need.tasks), base + max(MOST_AT_ONCE, base)))
    if after <= look.desired:
        return None
    rate = rate_of(beats[-1])
    learned = rate / after if need.slow and rate else None
    why = panic or f"in {len(over)} of the last {len(needs)} beats"
    if need.beats > 1:
        why = f"over the last {need.beats * BEAT_MS // 1_000} s"
    reason = f"{_words(need)} for {need.tasks:.1f} tasks and {there} are there, {why}"
    return Wish(policy.name, after, base, reason, need.metric, need.value,
                limit=learned or asked.limit)  # fmt: skip


def _sure(look: Look, asked: Needs) -> Need | None:
    """The need of the fewest newest beats that is surely more than what is there; None while it
    may be chance."""
    needs: list[Need] = []
    there = look.counts.coming
    for count in SURE_BEATS:
        if len(look.beats) < count:
            return None
        for beat in look.beats[-1 - len(needs) : -1 - count : -1]:
            need = asked.need(beat)
            if need is None:
                return None
            needs.append(need)
        found = mean_of(needs)
        if found.tasks <= there * (1 + TOLERANCE) or found.over(there):
            return found if found.over(there) else None
    return None


def _panic(policy: Totals, beat: Sample, need: Need, there: int) -> str:
    """Why one beat is enough, or empty."""
    rate = rate_of(beat)
    if rate and beat.active is not None and 1_000 * beat.active / rate > policy.panic_ms:
        return f"and requests take {beat.active / rate:.1f} s"
    if need.tasks >= there * PANIC_FACTOR:
        return "at least twice as many"
    return ""


def _in(look: Look, asked: Needs) -> Wish | None:
    """To the largest need of the window, if every beat of it was measured."""
    policy = asked.policy
    newest = asked.need(look.beats[-1]) if look.beats else None
    if newest is None or not _under(look, newest):
        return None
    few = look.desired * (1 - TOLERANCE)
    if look.now - look.state.last_change_at[1] < IN_EVERY_MS:
        return None
    window = _window(look, asked, few)
    if not window:
        return None
    mean = mean_of(window)
    if ceil(mean.tasks) >= few:
        return None
    enough = _enough(look, asked, (window, mean), few)
    if ceil(enough) >= few:
        return None
    most = max(mean.tasks, enough, largest(window))
    after = look.clamped(max(ceil(most), ceil(look.desired / 2)))
    if after >= few:
        return None
    span_s = policy.scale_in_after_ms // 1_000
    reason = f"the largest need of the last {span_s} s was {most:.1f} tasks"
    if after > ceil(most):
        reason += ", and at most half go at once"
    return Wish(policy.name, after, look.desired, reason, newest.metric, newest.value,
                limit=asked.limit)  # fmt: skip


def _window(look: Look, asked: Needs, few: float) -> list[Need]:
    """The beats of `scale_in_after`, newest first; none when one asks for more than `few`, or was
    not measured."""
    count = _window_beats(asked.policy)
    window = look.beats[-count:]
    needs = []
    for beat in window if len(window) == count else ():  # a load that falls was highest at first
        need = asked.whole(beat)
        if need is None or _keeps(need, few):
            return []
        needs.append(need)
    return needs[::-1]


def _window_beats(policy: Totals) -> int:
    return min(-(-policy.scale_in_after_ms // BEAT_MS), KEPT_BEATS)


def _keeps(need: Need | None, few: float) -> bool:
    """Whether a beat of the window lets no task go: it asks for more, or was not measured."""
    return need is None or (ceil(need.tasks) >= few and ceil(need.seen) >= few)


def _enough(look: Look, asked: Needs, known: tuple[list[Need], Need], few: float) -> float:
    """So many tasks are surely enough: by the window and its mean, or by twice, four times … as
    many beats when it holds too few requests to tell."""
    window, mean = known
    needs, found = window.copy(), mean.enough
    while ceil(found) >= few and len(needs) < SURE_BEATS[-1]:
        count = 2 * len(needs)
        if len(look.beats) < count:
            break
        for beat in look.beats[-1 - len(needs) : -1 - count : -1]:
            need = asked.whole(beat)
            if need is None:
                return found
            needs.append(need)
        found = min(found, mean_of(needs).enough)
    return found


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
