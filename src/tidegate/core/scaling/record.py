"""Measures services look by look: point readings become beats, beats become minutes.

What is measured lives as long as the controller; after a restart it is missing for a while, and on
missing data nothing is taken away. The engine keeps the `Recording` and shows it in `Seen.series`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tidegate.core.metrics import Second, between, merge, percentile_us
from tidegate.core.model import Colour
from tidegate.core.progress import Progress
from tidegate.core.scaling.reading import Reading, read
from tidegate.core.scaling.sample import (
    BEAT_MS,
    KEPT_BEATS,
    KEPT_MINUTES,
    MINUTE_MS,
    NOTHING,
    Hosts,
    Sample,
    Series,
    Spread,
)
from tidegate.core.seen import Seen

SECOND_MS = 1_000
LATE_MS = 5_000
"""A beat whose traffic is not complete so long after its end is closed without it."""
_PER_MINUTE = MINUTE_MS // BEAT_MS


class Recording(NamedTuple):
    """The series, the readings of the beats that are still open, which beat is next, and what was
    read last."""

    series: Mapping[str, Series] = MappingProxyType({})
    readings: Mapping[int, tuple[Mapping[str, Reading], ...]] = MappingProxyType({})
    looked_at: int = 0
    next_ms: int | None = None
    last: Mapping[str, Reading] = MappingProxyType({})


def record(recording: Recording, progress: Progress, seen: Seen, now: int) -> Recording:
    """What is known after this look. It reads the world once a second, however often it looks."""
    if now - recording.looked_at < SECOND_MS - 50:
        return recording
    fresh = repeated(recording._replace(last=read(progress, seen, now)), (now,))
    traffic = Traffic(seen.metrics, seen.metrics_until, with_p95(progress))
    return closed(fresh, progress, traffic, now)


def with_p95(progress: Progress) -> frozenset[str]:
    """The services of which a policy reads a percentile."""
    services = progress.app.services if progress.app else ()
    return frozenset(s.name for s in services if s.scaling.on and s.scaling.reads_p95)


def repeated(recording: Recording, times: Iterable[int]) -> Recording:
    """As if what was read last had been read again at each of these times (ms)."""
    readings, looked_at = dict(recording.readings), recording.looked_at
    for at in times:
        if at - looked_at >= SECOND_MS - 50:
            beat = at // BEAT_MS * BEAT_MS
            readings[beat] = (*readings.get(beat, ()), recording.last)
            looked_at = at
    return recording._replace(readings=readings, looked_at=looked_at)


def closed(recording: Recording, progress: Progress, traffic: "Traffic", now: int) -> Recording:
    """With the beats that are over by now as samples."""
    beat = now // BEAT_MS * BEAT_MS
    next_ms = recording.next_ms if recording.next_ms is not None else beat + BEAT_MS
    next_ms = max(next_ms, beat - KEPT_BEATS * BEAT_MS)  # the machine slept
    if next_ms == recording.next_ms and not _is_over(next_ms, traffic, now):
        return recording
    readings, ended = dict(recording.readings), []
    while _is_over(next_ms, traffic, now):
        ended.append((next_ms, readings.pop(next_ms, ())))
        next_ms += BEAT_MS
    series = recording.series
    if ended:
        series = {
            name: _longer(series.get(name, NOTHING), name, traffic, ended)
            for name in progress.services
        }
    readings = {at: kept for at, kept in readings.items() if at >= next_ms}
    return Recording(series, readings, recording.looked_at, next_ms, recording.last)


def _is_over(beat_ms: int, traffic: "Traffic", now: int) -> bool:
    """Whether all is known of the beat, or nothing more will be."""
    end_ms = beat_ms + BEAT_MS
    complete = traffic.metrics is not None and traffic.until_ms >= end_ms
    return (complete and now >= end_ms) or now >= end_ms + LATE_MS


class Traffic(NamedTuple):
    """What was answered up to `until_ms` (see `Seen.metrics`), None when it cannot be read.

    A percentile is measured only of the services of which a policy reads it (`with_p95`), for
    it costs more than all the rest.
    """

    metrics: Mapping[tuple[str, Colour], tuple[Second, ...]] | None
    until_ms: int
    with_p95: frozenset[str]

    def seconds(self, name: str, from_ms: int, until_ms: int) -> list[Second] | None:
        """The service's seconds of that time, of both groups; None when not all are known."""
        if self.metrics is None or self.until_ms < until_ms:
            return None
        blue = self.metrics.get((name, Colour.BLUE), ())
        green = self.metrics.get((name, Colour.GREEN), ())
        return [*between(blue, from_ms, until_ms), *between(green, from_ms, until_ms)]

    def p95_us(self, name: str, seconds: list[Second] | None) -> int | None:
        """The 95th percentile of those seconds; None where nobody reads it."""
        return percentile_us(merge(seconds), 95) if seconds and name in self.with_p95 else None


def _longer(
    before: Series,
    name: str,
    traffic: Traffic,
    ended: Sequence[tuple[int, tuple[Mapping[str, Reading], ...]]],
) -> Series:
    """These beats (ms) with their readings are over: a sample more of each, and at a minute's end
    a minute more."""
    fresh = [
        _sample(beat_ms, name, traffic, [found[name] for found in readings if name in found])
        for beat_ms, readings in ended
    ]
    beats = (*before.beats, *fresh)
    minutes = before.minutes
    for end, sample in enumerate(fresh, len(before.beats) + 1):
        if (sample.at_ms + BEAT_MS) % MINUTE_MS == 0:
            minute = _minute(traffic, name, beats[max(0, end - _PER_MINUTE) : end])
            minutes = (*minutes[1 - KEPT_MINUTES :], minute)
    return Series(beats[-KEPT_BEATS:], minutes)


def _sample(beat_ms: int, name: str, traffic: Traffic, readings: list[Reading]) -> Sample:
    """What was measured in one beat."""
    seconds = traffic.seconds(name, beat_ms, beat_ms + BEAT_MS)
    alike = readings and readings.count(readings[0]) == len(readings)
    levels = _levels_of(readings[0]) if alike else _levels(readings)
    return Sample(
        beat_ms,
        None if seconds is None else sum([second.requests for second in seconds]),
        levels.hosts,
        levels.active,
        levels.cpu_percent,
        levels.memory_percent,
        traffic.p95_us(name, seconds),
        levels.healthy,
        levels.unhealthy,
        levels.memory_reservation,
        levels.provider_reservation,
    )


class _Levels(NamedTuple):
    """What of a `Sample` is no traffic."""

    hosts: float | None
    active: float | None
    cpu_percent: float | None
    memory_percent: float | None
    healthy: Hosts | None
    unhealthy: Hosts | None
    memory_reservation: float | None
    provider_reservation: float | None


def _levels(readings: Sequence[Reading]) -> _Levels:
    """The mean of each, of the readings that have it."""
    return _Levels(
        _mean(r.hosts for r in readings),
        _mean(r.active for r in readings),
        _mean(r.cpu_percent for r in readings),
        _mean(r.memory_percent for r in readings),
        _hosts([r.healthy for r in readings]),
        _hosts([r.unhealthy for r in readings]),
        _mean(r.memory_reservation for r in readings),
        _mean(r.provider_reservation for r in readings),
    )


@lru_cache(maxsize=256)
def _levels_of(reading: Reading) -> _Levels:
    """The means of a beat in which every reading was this one, as they mostly are."""
    return _levels((reading,))


def _minute(traffic: Traffic, name: str, beats: tuple[Sample, ...]) -> Sample:
    """Out of the beats of that minute; a sum needs all of them, an average at least half."""
    end_ms = beats[-1].at_ms + BEAT_MS
    start_ms = end_ms - MINUTE_MS
    beats = tuple(beat for beat in beats if beat.at_ms >= start_ms)
    counts = [beat.requests for beat in beats if beat.requests is not None]
    whole = len(counts) == _PER_MINUTE
    p95_us = traffic.p95_us(name, traffic.seconds(name, start_ms, end_ms) if whole else None)
    return Sample(
        start_ms,
        sum(counts) if whole else None,
        hosts=_mean((b.hosts for b in beats), _PER_MINUTE // 2),
        active=_mean((b.active for b in beats), _PER_MINUTE // 2),
        cpu_percent=_mean((b.cpu_percent for b in beats), _PER_MINUTE // 2),
        memory_percent=_mean((b.memory_percent for b in beats), _PER_MINUTE // 2),
        p95_us=p95_us,
    )


def _mean(values: Iterator[float | None], least: int = 1) -> float | None:
    """Of the values that are there; None when there are fewer than `least`."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) >= least else None


def _hosts(counts: list[tuple[int, int] | None]) -> Hosts | None:
    """Of (blue, green) in each look that could see them; None when none could."""
    known = [pair for pair in counts if pair is not None]
    if not known:
        return None
    blue, green = zip(*known, strict=True)
    return Hosts(_spread(blue), _spread(green), _spread([sum(pair) for pair in known]))


def _spread(counts: Sequence[int]) -> Spread:
    return Spread(min(counts), sum(counts) / len(counts), max(counts))
