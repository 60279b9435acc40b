"""Measures services look by look: point readings become beats, beats become minutes.

What is measured lives as long as the controller; after a restart it is missing for a while, and on
missing data nothing is taken away. The engine keeps the `Recording` and shows it in `Seen.series`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from tidegate.core.metrics import Second, merge, percentile_us
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


@dataclass(frozen=True, slots=True)
class Recording:
    """The series, the readings of the beats that are still open, which beat is next, and what was
    read last."""

    series: Mapping[str, Series] = field(default_factory=dict)
    readings: Mapping[int, tuple[Mapping[str, Reading], ...]] = field(default_factory=dict)
    looked_at: int = 0
    next_ms: int | None = None
    last: Mapping[str, Reading] = field(default_factory=dict)


def record(recording: Recording, progress: Progress, seen: Seen, now: int) -> Recording:
    """What is known after this look. It reads the world once a second, however often it looks."""
    if now - recording.looked_at < SECOND_MS - 50:
        return recording
    fresh = repeated(replace(recording, last=read(progress, seen, now)), (now,))
    return closed(fresh, progress, Traffic.of(progress, seen.metrics, seen.metrics_until), now)


def repeated(recording: Recording, times: Iterable[int]) -> Recording:
    """As if what was read last had been read again at each of these times (ms)."""
    readings, looked_at = dict(recording.readings), recording.looked_at
    for at in times:
        if at - looked_at >= SECOND_MS - 50:
            beat = at // BEAT_MS * BEAT_MS
            readings[beat] = (*readings.get(beat, ()), recording.last)
            looked_at = at
    return Recording(recording.series, readings, looked_at, recording.next_ms, recording.last)


def closed(recording: Recording, progress: Progress, traffic: "Traffic", now: int) -> Recording:
    """With the beats that are over by now as samples."""
    beat = now // BEAT_MS * BEAT_MS
    next_ms = recording.next_ms if recording.next_ms is not None else beat + BEAT_MS
    next_ms = max(next_ms, beat - KEPT_BEATS * BEAT_MS)  # the machine slept
    if next_ms == recording.next_ms and not _is_over(next_ms, traffic, now):
        return recording
    readings, series = dict(recording.readings), recording.series
    while _is_over(next_ms, traffic, now):
        series = {
            name: _longer(series.get(name, NOTHING), name, next_ms, traffic, found)
            for name, found in _by_service(progress, readings.pop(next_ms, ()))
        }
        next_ms += BEAT_MS
    readings = {at: kept for at, kept in readings.items() if at >= next_ms}
    return Recording(series, readings, recording.looked_at, next_ms, recording.last)


def _is_over(beat_ms: int, traffic: "Traffic", now: int) -> bool:
    """Whether all is known of the beat, or nothing more will be."""
    end_ms = beat_ms + BEAT_MS
    complete = traffic.metrics is not None and traffic.until_ms >= end_ms
    return (complete and now >= end_ms) or now >= end_ms + LATE_MS


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was answered up to `until_ms` (see `Seen.metrics`), None when it cannot be read.

    A percentile is measured only of the services of which a policy reads it (`with_p95`), for it
    costs more than all the rest.
    """

    metrics: Mapping[tuple[str, Colour], tuple[Second, ...]] | None
    until_ms: int
    with_p95: frozenset[str]

    @classmethod
    def of(
        cls,
        progress: Progress,
        metrics: Mapping[tuple[str, Colour], tuple[Second, ...]] | None,
        until_ms: int,
    ) -> "Traffic":
        """With the percentiles that the app's policies read."""
        services = progress.app.services if progress.app else ()
        reads = (s.name for s in services if s.scaling.on and s.scaling.reads_p95)
        return cls(metrics, until_ms, frozenset(reads))

    def seconds(self, name: str, from_ms: int, until_ms: int) -> list[Second] | None:
        """The service's seconds of that time, of both groups; None when not all are known."""
        if self.metrics is None or self.until_ms < until_ms:
            return None
        found = []
        for colour in Colour:
            for second in reversed(self.metrics.get((name, colour), ())):
                if second.at_ms < from_ms:
                    break
                if second.at_ms < until_ms:
                    found.append(second)
        return found

    def p95_us(self, name: str, seconds: list[Second] | None) -> int | None:
        """The 95th percentile of those seconds; None where nobody reads it."""
        return percentile_us(merge(seconds), 95) if seconds and name in self.with_p95 else None


def _by_service(
    progress: Progress, readings: tuple[Mapping[str, Reading], ...]
) -> Iterator[tuple[str, list[Reading]]]:
    for name in progress.services:
        yield name, [reading[name] for reading in readings if name in reading]


def _longer(
    before: Series, name: str, beat_ms: int, traffic: Traffic, readings: list[Reading]
) -> Series:
    """The beat is over: a sample more, and at a minute's end a minute more."""
    seconds = traffic.seconds(name, beat_ms, beat_ms + BEAT_MS)
    alike = readings and readings.count(readings[0]) == len(readings)
    levels = _levels_of(readings[0]) if alike else _levels(readings)
    sample = Sample(
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
    beats = (*before.beats[1 - KEPT_BEATS :], sample)
    minutes = before.minutes
    if (beat_ms + BEAT_MS) % MINUTE_MS == 0:
        minute = _minute(traffic, name, beats[-_PER_MINUTE:])
        minutes = (*minutes[1 - KEPT_MINUTES :], minute)
    return Series(beats, minutes)


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
    return replace(
        Sample(start_ms, sum(counts) if whole else None),
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
