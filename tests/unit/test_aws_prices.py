"""What a stack costs a month: by AWS's price list, by the dated table, or not at all."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.support.aws.fake import REGION, FakeAws
from tests.support.aws.services import Pricing
from tests.support.aws.shop import APP, empty, templates
from tidegate.aws.deploy import cost, price_list
from tidegate.aws.deploy.price_list import prices
from tidegate.aws.deploy.prices import Figure, Prices, _kept, of_table
from tidegate.aws.deploy.up import Options, Up

EAST = of_table("us-east-1")
DEMAND = [{"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1}]


def service(strategy: Any, architecture: str = "X86_64") -> dict[str, Any]:
    task = {
        "Cpu": "1024",
        "Memory": "2048",
        "RequiresCompatibilities": ["FARGATE"],
        "RuntimePlatform": {"CpuArchitecture": architecture},
    }
    return {
        "Resources": {
            "S": {
                "Type": "AWS::ECS::Service",
                "Properties": {"CapacityProviderStrategy": strategy},
            },
            "T": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
        }
    }


def cost_line(fake: FakeAws) -> str:
    said: list[str] = []
    options = Options(dry_run=True)
    Up(fake.account(), APP, templates(APP), options, said.append, fake.pace).run()
    (line,) = [text for text in said if text.startswith("cost: ")]
    return line


def test_spot_costs_its_share_and_the_base_is_on_demand() -> None:
    mixed = [*DEMAND, {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}]
    one = (0.04048 + 2 * 0.004445) * 730
    assert cost.monthly(service(DEMAND), 3, EAST).usd_month == round(3 * one, 2)
    assert cost.monthly(service(mixed), 3, EAST).usd_month == round(2 * one + 0.32 * one, 2)


def test_tasks_on_arm_have_prices_of_their_own() -> None:
    arm = cost.monthly(service(DEMAND, "ARM64"), 1, EAST).usd_month
    assert arm == round((0.03238 + 2 * 0.00356) * 730, 2)


def test_a_region_whose_prices_nobody_knows_gets_no_number() -> None:
    fake = empty()
    fake.refuse("pricing:GetProducts", "AccessDeniedException", "no")
    line = cost_line(fake)
    assert line == (
        f"cost: no prices of {REGION} are known here: allow pricing:GetProducts, "
        "and AWS's price list is asked"
    )
    assert "$" not in line


def test_what_the_table_lacks_is_named_and_never_priced_by_another_region() -> None:
    frankfurt = of_table("eu-central-1")
    found = cost.monthly({"Resources": {"B": {"Type": cost._BALANCER}}}, 0, frankfurt)
    assert found == cost.Cost(0.0, (cost._BALANCER,))
    assert Figure.BALANCER not in frankfurt.table
    assert frankfurt.table[Figure.VCPU] != EAST.table[Figure.VCPU]


def test_only_an_endpoint_that_costs_is_named_as_not_in_the_price() -> None:
    """Amazon VPC pricing: gateway endpoints are free, others are paid by the hour."""
    gateway = {"Type": cost._ENDPOINT, "Properties": {"VpcEndpointType": "Gateway"}}
    free = {"Resources": {"S3": gateway, "Db": {"Type": cost._ENDPOINT}}}
    assert cost.monthly(free, 0, EAST) == cost.Cost(0.0)
    paid = {**gateway, "Properties": {"VpcEndpointType": "Interface"}}
    found = cost.monthly({"Resources": {"S3": gateway, "Ecr": paid}}, 0, EAST)
    assert found.unpriced == (cost._ENDPOINT,)


def test_aws_s_own_list_goes_before_the_table() -> None:
    found = prices(empty().account())
    assert found.as_of == "today"
    assert found.table == {
        Figure.VCPU: 0.04048,
        Figure.ARM_VCPU: 0.03238,
        Figure.GIB: 0.004445,
        Figure.NAT: 0.045,
        Figure.BALANCER: 0.0225,
        Figure.ADDRESS: 0.005,
    }
    assert found.caveat(date(2026, 11, 1)) == f"AWS's list prices of {REGION} today, not a quote"


def test_a_price_that_the_list_has_twice_is_not_known() -> None:
    fake = empty()
    twice = ("AmazonEC2", "NAT Gateway", "EU-NatGateway-Hours", 0.06)
    fake.parts["pricing"] = Pricing([*Pricing().rows, twice])
    assert Figure.NAT not in prices(fake.account()).table


def test_the_price_list_is_asked_once_for_an_account() -> None:
    fake = empty()
    account = fake.account()
    prices(account)
    asked = len(fake.asked("pricing:GetProducts"))
    prices(account)
    assert len(fake.asked("pricing:GetProducts")) == asked


def test_virginia_s_usage_types_have_no_letters_and_others_are_not_mistaken_for_them() -> None:
    """Trust stores and Spot have prices of their own under nearly the same names."""
    rows = [
        ("AWSELB", "Load Balancer-Application", "LoadBalancerUsage", 0.0225),
        ("AWSELB", "Load Balancer-Application", "TS-LoadBalancerUsage", 0.0055),
        ("AmazonECS", "Compute", "USE1-SpotUsage:Fargate-vCPU-Hours:perCPU", 0.0127),
        ("AmazonECS", "Compute", "APS10-Fargate-GB-Hours", 0.005),
    ]
    fake = empty()
    fake.parts["pricing"] = Pricing(rows)
    assert prices(fake.account()).table == {Figure.BALANCER: 0.0225, Figure.GIB: 0.005}


# --- the command that renews the table -----------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """The account that the command signs in to."""
    fake = empty()
    monkeypatch.setattr(price_list, "sign_in", lambda _: fake.account())
    return fake


def test_the_command_prints_rows_as_the_table_has_them(
    asked: FakeAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert price_list.main([REGION]) == 0
    told = capsys.readouterr()
    kept = {**_kept(), "regions": json.loads(told.out), "everywhere": {}}
    monkeypatch.setattr("tidegate.aws.deploy.prices._kept", lambda: kept)
    assert of_table(REGION).table == prices(asked.account()).table
    assert of_table(REGION).as_of
    missing = "the list has not, or has twice: fargate_arm_gib_hour"
    assert told.err == f"{REGION}: {missing}\n"


def test_the_command_says_in_words_that_it_may_not_ask(
    asked: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.refuse("pricing:GetProducts", "AccessDeniedException", "no")
    assert price_list.main([REGION]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "TG283" in told.err
    assert "pricing:GetProducts" in told.err


def test_the_command_without_a_region_says_how_it_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        price_list.main([])
    assert "REGION" in capsys.readouterr().err


def test_a_table_that_is_old_says_so() -> None:
    table = Prices("x", "2026-11", {Figure.NAT: 1.0}, 0.3)
    assert "months old" not in table.caveat(date(2027, 2, 1))
    assert "the table is 8 months old" in table.caveat(date(2027, 7, 1))


@pytest.mark.parametrize("region", sorted(_kept()["regions"]))
def test_every_figure_of_the_table_has_its_source_and_month(region: str) -> None:
    rows = {**_kept()["regions"][region], **_kept()["everywhere"]}
    for name, row in rows.items():
        assert Figure(name)
        assert 0 < row["usd"] < 1
        assert len(row["source"].split()) > 5, name
        date.fromisoformat(f"{row['as_of']}-01")
