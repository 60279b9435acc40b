"""The gate in a pipeline: it waits, it fails closed, and it keeps what it decided on."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from tests.support.aws.fake import NOW, FakeAws, Refused
from tests.support.aws.services import time_of
from tests.support.aws.shop import CLUSTER, digest, standing
from tidegate.aws import gate_function
from tidegate.aws.names import Environment, Names
from tidegate.aws.pipeline_job import Done, Wait, work
from tidegate.aws.pipeline_job import Refused as No
from tidegate.aws.settings import (
    MOST_BYTES,
    ServiceSettings,
    gate_json,
    gate_policy,
    gate_value,
)
from tidegate.core.model import GateMode, GatePolicy, UnknownRule, Waiver

NAMES = Names("shop")
ENVIRON: dict[str, str] = {
    Environment.GATE_PARAMETER: NAMES.gate_parameter,
    Environment.SERVICES_PATH: NAMES.services_path,
    Environment.EVIDENCE_BUCKET: "shop-artifacts",
}
IMAGE = digest(9)
STRICT = GatePolicy(only_fixable=False, new_only=False, data_warn_ms=None, data_unknown_ms=None)


def page(status: str, *findings: tuple[str, str], of: str = IMAGE, **more: Any) -> dict[str, Any]:
    """An answer of a basic scan."""
    found = [
        {
            "name": name,
            "severity": severity,
            "attributes": [
                {"key": "package_name", "value": "openssl"},
                {"key": "package_version", "value": "1.1.1"},
            ],
        }
        for name, severity in findings
    ]
    answer: dict[str, Any] = {
        "imageId": {"imageDigest": of},
        "imageScanStatus": {"status": status},
        **more,
    }
    if status in ("COMPLETE", "ACTIVE"):
        at = time_of(NOW - 60_000)
        answer["imageScanFindings"] = {
            "imageScanCompletedAt": at,
            "vulnerabilitySourceUpdatedAt": at,
            "findings": found,
        }
    return answer


@pytest.fixture
def fake() -> FakeAws:
    made = standing()
    made.parts["ssm"].values[NAMES.gate_parameter] = gate_json(STRICT)
    known = ServiceSettings("cats", "ecs", CLUSTER, "cats", "app/shop/1")
    made.parts["ssm"].values[NAMES.service_parameter("cats")] = known.to_json()
    return made


def event(token: Any = None) -> dict[str, Any]:
    request = {
        "service": "cats",
        "repository": "shop/cats",
        "digest": IMAGE,
        "commit": "c" * 40,
        "execution": "uuid",
    }
    configuration = {"FunctionName": "gate", "UserParameters": json.dumps(request)}
    data: dict[str, Any] = {"actionConfiguration": {"configuration": configuration}}
    if token is not None:
        data["continuationToken"] = json.dumps(dict(token))
    return {"CodePipeline.job": {"id": "11111111-2222-3333-4444-555555555555", "data": data}}


def ask(fake: FakeAws, *answers: Any, now: int = NOW, token: Any = None) -> Any:
    if answers:
        fake.parts["ecr"].answers = list(answers)
    account = fake.account()
    return work(account, event(token), lambda job: gate_function.decide(account, job, ENVIRON, now))


def kept(fake: FakeAws) -> dict[str, Any]:
    key = NAMES.evidence_key("cats", IMAGE)
    found: dict[str, Any] = json.loads(fake.parts["s3"].objects["shop-artifacts", key])
    return found


def test_a_clean_image_passes_and_the_evidence_is_kept(fake: FakeAws) -> None:
    answer = ask(fake, page("COMPLETE", ("CVE-1", "LOW")))
    assert isinstance(answer, Done)
    assert answer.summary.startswith("the gate says passed: ")
    evidence = kept(fake)
    assert evidence["verdict"] == "passed"
    assert evidence["request"]["commit"] == "c" * 40
    assert evidence["report"]["findings"][0]["id"] == "CVE-1"
    assert evidence["grounds"]["policy"].startswith("sha256:")
    (told,) = fake.parts["codepipeline"].answers
    assert told[0] == "success"
    assert "continuationToken" not in told[1]


def test_a_critical_finding_without_any_high_one_refuses(fake: FakeAws) -> None:
    """The workshop's gate counted HIGH only, and let seven CRITICAL ones through."""
    answer = ask(fake, page("COMPLETE", *((f"CVE-{n}", "CRITICAL") for n in range(7))))
    assert isinstance(answer, No)
    assert "refused" in answer.reason
    assert "7 CRITICAL" in answer.reason
    assert kept(fake)["verdict"] == "refused"
    (told,) = fake.parts["codepipeline"].answers
    assert told[1]["failureDetails"]["type"] == "JobFailed"


def test_findings_on_later_pages_count(fake: FakeAws) -> None:
    first = page("COMPLETE", ("CVE-1", "LOW"), nextToken="more")
    answer = ask(fake, first, page("COMPLETE", ("CVE-2", "CRITICAL")))
    assert isinstance(answer, No)
    assert len(kept(fake)["report"]["findings"]) == 2


def test_a_scan_that_runs_is_waited_for_by_token_not_by_loop(fake: FakeAws) -> None:
    answer = ask(fake, page("IN_PROGRESS"))
    assert isinstance(answer, Wait)
    assert answer.token == {"since": NOW}
    assert len(fake.asked("ecr:DescribeImageScanFindings")) == 1
    (told,) = fake.parts["codepipeline"].answers
    assert json.loads(told[1]["continuationToken"]) == {"since": NOW}
    later = ask(fake, page("COMPLETE"), now=NOW + 60_000, token=answer.token)
    assert isinstance(later, Done)


def test_an_empty_answer_is_believed_once_it_has_stood_for_a_minute(fake: FakeAws) -> None:
    """Enhanced scanning says COMPLETE before there are results."""
    empty = page("COMPLETE")
    del empty["imageScanFindings"]["imageScanCompletedAt"]
    begun = ask(fake, page("IN_PROGRESS"))
    first = ask(fake, empty, now=NOW + 30_000, token=begun.token)
    assert isinstance(first, Wait)
    assert first.token == {"since": NOW, "empty_since": NOW + 30_000}
    early = ask(fake, empty, now=NOW + 89_999, token=first.token)
    assert isinstance(early, Wait)
    assert early.token == first.token
    busy = ask(fake, page("IN_PROGRESS"), now=NOW + 90_000, token=early.token)
    assert busy.token == {"since": NOW}
    assert isinstance(ask(fake, empty, now=NOW + 90_000, token=early.token), Done)


def test_a_scan_that_never_ends_is_refused_at_the_end_of_patience(fake: FakeAws) -> None:
    late = NOW + gate_function.PATIENCE_S * 1_000
    answer = ask(fake, page("IN_PROGRESS"), now=late, token={"since": NOW})
    assert isinstance(answer, No)
    assert "the gate says unknown" in answer.reason
    assert "not done after 1200 s: the scan runs" in answer.reason


@pytest.mark.parametrize(
    "status",
    [
        "FAILED",
        "UNSUPPORTED_IMAGE",
        "SCAN_ELIGIBILITY_EXPIRED",
        "FINDINGS_UNAVAILABLE",
        "LIMIT_EXCEEDED",
        "IMAGE_ARCHIVED",
        "IMAGE_SIZE_EXCEEDED",
    ],
)
def test_a_scan_that_cannot_be_is_unknown_and_refused(fake: FakeAws, status: str) -> None:
    """Pitfall 19: the workshop's loop ran until its build timed out."""
    answer = ask(fake, page(status))
    assert isinstance(answer, No)
    assert "unknown" in answer.reason
    assert kept(fake)["report"]["findings"] is None


def test_unknown_runs_only_where_the_policy_says_so(fake: FakeAws) -> None:
    lenient = GatePolicy(on_unknown=UnknownRule.WARN)
    fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(lenient)
    assert isinstance(ask(fake, page("FAILED")), Done)
    assert kept(fake)["allowed"] is True


def test_a_fresh_image_that_ecr_does_not_know_yet_is_waited_for(fake: FakeAws) -> None:
    assert isinstance(ask(fake, Refused("ImageNotFoundException")), Wait)
    late = {"since": NOW - 600_000}
    assert isinstance(ask(fake, Refused("ImageNotFoundException"), token=late), No)


def test_throttling_is_waited_out_and_denial_is_named(fake: FakeAws) -> None:
    assert isinstance(ask(fake, Refused("ThrottlingException", "Rate exceeded")), Wait)
    denied = "not authorized to perform: ecr:DescribeImageScanFindings on resource: arn:x"
    answer = ask(fake, Refused("AccessDeniedException", denied))
    assert isinstance(answer, No)
    assert "these credentials may not ecr:DescribeImageScanFindings" in answer.reason


def test_what_cannot_be_kept_is_not_passed(fake: FakeAws) -> None:
    fake.refuse("s3:PutObject", "AccessDenied", "Access Denied")
    answer = ask(fake, page("COMPLETE"))
    assert isinstance(answer, No)
    assert "the gate's evidence cannot be stored, so nothing is passed" in answer.reason


CUT = base64.b64encode(gzip.compress(gate_json(STRICT).encode(), mtime=0)[:-9]).decode()


@pytest.mark.parametrize(
    "value",
    ["{}", "", "no base64", "bm90IHBhY2tlZA==", CUT],
    ids=["others", "nothing", "text", "unpacked", "cut"],
)
def test_a_policy_that_cannot_be_read_fails_the_action(fake: FakeAws, value: str) -> None:
    fake.parts["ssm"].values[NAMES.gate_parameter] = value
    answer = ask(fake, page("COMPLETE"))
    assert isinstance(answer, No)
    assert "TG979" in answer.reason


def test_waivers_of_this_service_count_and_of_others_do_not(fake: FakeAws) -> None:
    for service, kind in (("cats", Done), ("dogs", No)):
        waiver = Waiver("CVE-7", "not reachable", "ann", service=service)
        policy = GatePolicy(**{**_fields(STRICT), "waivers": (waiver,)})
        fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(policy)
        assert isinstance(ask(fake, page("COMPLETE", ("CVE-7", "CRITICAL"))), kind)


def waivers(count: int) -> tuple[Waiver, ...]:
    """Waivers as people write them, of different vulnerabilities."""
    return tuple(
        Waiver(f"CVE-2026-{n * 7919 % 90_000}", f"not reachable: {n} is parsed by nobody", "ann")
        for n in range(count)
    )


def test_a_long_list_of_waivers_counts_to_its_last_one(fake: FakeAws) -> None:
    long = GatePolicy(**{**_fields(STRICT), "waivers": waivers(200)})
    value = fake.parts["ssm"].values[NAMES.gate_parameter] = gate_value(long)
    assert len(value) <= MOST_BYTES < len(gate_json(long))
    assert 5 * len(value) <= len(gate_json(long))
    assert gate_policy(fake.account(), NAMES.gate_parameter) == long
    last = page("COMPLETE", (long.waivers[-1].id, "CRITICAL"))
    assert isinstance(ask(fake, last), Done)
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-8", "CRITICAL"))), No)


def test_a_policy_that_fits_is_readable_where_it_is_kept() -> None:
    assert gate_value(STRICT) == gate_json(STRICT)


def _fields(policy: GatePolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}


def test_only_what_is_new_counts_when_the_policy_says_so(fake: FakeAws) -> None:
    """What runs is asked of ECS, and its findings of ECR: the same data for both images."""
    new_only = GatePolicy(**{**_fields(STRICT), "new_only": True})
    fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(new_only)
    old = page("COMPLETE", ("CVE-7", "CRITICAL"), of=digest(3))
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-7", "CRITICAL")), old), Done)
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-8", "CRITICAL")), old), No)


def test_images_scanned_with_other_data_are_not_compared(fake: FakeAws) -> None:
    new_only = GatePolicy(**{**_fields(STRICT), "new_only": True})
    fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(new_only)
    old = page("COMPLETE", ("CVE-7", "CRITICAL"), of=digest(3))
    old["imageScanFindings"]["vulnerabilitySourceUpdatedAt"] = time_of(NOW - 86_400_000)
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-7", "CRITICAL")), old), No)


def test_without_a_word_on_what_runs_every_finding_is_new(fake: FakeAws) -> None:
    new_only = GatePolicy(**{**_fields(STRICT), "new_only": True})
    fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(new_only)
    fake.refuse("ecs:DescribeServices", "AccessDeniedException", "no")
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-7", "CRITICAL"))), No)


def test_a_gate_that_is_off_says_so_in_the_evidence(fake: FakeAws) -> None:
    fake.parts["ssm"].values[NAMES.gate_parameter] = gate_json(GatePolicy(mode=GateMode.OFF))
    assert isinstance(ask(fake, page("COMPLETE", ("CVE-7", "CRITICAL"))), Done)
    assert kept(fake)["verdict"] == "off"


def test_a_fault_of_ours_fails_the_action_instead_of_hanging_it(fake: FakeAws) -> None:
    def fault(_: Any) -> Any:
        raise ZeroDivisionError("x")

    answer = work(fake.account(), event(), fault)
    assert isinstance(answer, No)
    assert answer.reason == "a fault of Tidegate: ZeroDivisionError: x"
    assert fake.parts["codepipeline"].answers[0][0] == "failure"
