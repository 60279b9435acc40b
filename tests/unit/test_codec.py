"""Every event survives the journal, and what does not fit is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core import decision as d
from tidegate.core import model as m
from tidegate.core.errors import JournalError
from tidegate.core.grounds import NO_GROUNDS
from tidegate.core.traffic import PRESETS
from tidegate.engine.codec import EVENTS, decode, encode

for known in (m.App, m.Release):
    st.register_type_strategy(known, lambda kind: st.deferred(lambda: st.builds(kind)))
st.register_type_strategy(float, st.floats(allow_nan=False))  # NaN is not equal to itself

events = st.one_of([st.builds(kind) for kind in EVENTS.values()])


@given(events)
def test_every_event_comes_back_as_it_went_in(event: d.Event) -> None:
    assert decode(encode(event)) == event


def test_an_app_with_everything_in_it_comes_back() -> None:
    shift = PRESETS["ECSLinear10PercentEvery1Minutes"]
    hook = m.Hook(m.LifecycleStage.POST_SCALE_UP, "look", command=("true",))
    policy = m.DeploymentPolicy(shift, 5, hooks=(hook,), checks=(m.TrafficCheck("/x"),))
    alarm = m.Alarm("errors", "ErrorPercent", 1)
    service = m.Service("cats", secrets=(m.Secret("KEY", "env:KEY"),), deployment=policy)
    app = m.App("shop", (service,), alarms=(alarm,))
    assert decode(encode(d.AppAccepted(app))) == d.AppAccepted(app)


def test_a_set_is_written_in_one_order() -> None:
    service = m.Service("cats")
    written = json.loads(encode(d.AppAccepted(m.App("shop", (service,)))))
    rollback_on = written["app"]["services"][0]["deployment"]["rollback_on"]
    assert rollback_on == sorted(rollback_on)
    assert len(rollback_on) == 3


def test_a_field_with_a_default_may_be_missing() -> None:
    text = encode(d.TaskDraining("t1", "old"))
    fields = json.loads(text)
    del fields["failed"]
    assert decode(json.dumps(fields)) == d.TaskDraining("t1", "old")


def test_a_verdict_of_an_older_journal_is_one_without_grounds() -> None:
    text = (
        '{"type":"VerdictReached","execution":"e1","service":"cats","digest":"sha256:a",'
        '"verdict":"passed","reason":"within the limits: no findings"}'
    )
    verdict = decode(text)
    assert isinstance(verdict, d.VerdictReached)
    assert (verdict.allowed, verdict.grounds) == (False, NO_GROUNDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"type":"Unheard"}',
        '{"type":"TaskHealthy"}',
        '{"type":"TaskHealthy","task":1}',
        '{"type":"TaskHealthy","task":"t1","colour":"pink"}',
        '{"type":"TrafficObserved","deployment":"d1","weight_bp":true}',
        '{"type":"ImagesBuilt","execution":"e1","images":[["a"]]}',
        '{"type":"StageStarted","execution":"e1","stage":"party"}',
    ],
)
def test_what_does_not_fit_is_a_journal_error(text: str) -> None:
    with pytest.raises(JournalError, match="TG921"):
        decode(text)


def test_an_entry_that_is_nested_too_deep_is_refused_as_unreadable() -> None:
    with pytest.raises(JournalError) as refused:
        decode('{"type": "StageStarted", "execution": ' + "[" * 100_000)
    assert refused.value.number == "TG921"
