"""The prices of a region by AWS's own price list, which any account may ask (pricing:GetProducts).

Its two other answers are as important: a figure that the list has twice, or not at all, is not
known. Source: AWS Price List Query API; usage types as the bills of an account have them.
`python -m tidegate.aws.deploy.price_list REGION…` prints rows for `prices.json`.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tidegate.aws.account import Account, sign_in
from tidegate.aws.deploy.prices import Figure, Prices, of_table
from tidegate.core.errors import TidegateError

_ASKED: Mapping[tuple[str, str], Mapping[str, Figure]] = {
    ("AmazonECS", ""): {
        "Fargate-vCPU-Hours:perCPU": Figure.VCPU,
        "Fargate-GB-Hours": Figure.GIB,
        "Fargate-ARM-vCPU-Hours:perCPU": Figure.ARM_VCPU,
        "Fargate-ARM-GB-Hours": Figure.ARM_GIB,
    },
    ("AmazonEC2", "NAT Gateway"): {"NatGateway-Hours": Figure.NAT},
    ("AWSELB", "Load Balancer-Application"): {"LoadBalancerUsage": Figure.BALANCER},
    ("AmazonVPC", ""): {"PublicIPv4:InUseAddress": Figure.ADDRESS},
}
"""Service and product family, and what its usage types end in after the region's letters."""
_REGION = re.compile(r"(EU|[A-Z]{3}[0-9]{1,2})-")
"""The region's letters: `EU` alone is Ireland, Virginia has none: `TS-…` is a product there."""


@lru_cache(maxsize=16)
def prices(account: Account) -> Prices:
    """The prices of the account's region: AWS's list where it answers, else the dated table.

    Asked once for each `Account`; these are four calls, and prices change a few times a year.
    """
    table = of_table(account.region)
    try:
        today = _list(account)
    except TidegateError:
        return table  # the table says its date, or that nothing is known
    return Prices(account.region, "today", today, table.spot_share) if today else table


def _list(account: Account) -> dict[Figure, float]:
    found: dict[Figure, set[float]] = {}
    for (service, family), wanted in _ASKED.items():
        for product in _products(account, service, family):
            usage = str(product["product"]["attributes"].get("usagetype", ""))
            region = _REGION.match(usage)
            figure = wanted.get(usage[region.end() :] if region else usage)
            if figure is not None:
                found.setdefault(figure, set()).update(_usd(product))
    return {figure: prices.pop() for figure, prices in found.items() if len(prices) == 1}


def _products(account: Account, service: str, family: str) -> Iterator[dict[str, Any]]:
    fields = {"regionCode": account.region, **({"productFamily": family} if family else {})}
    filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in fields.items()]
    ask = {"ServiceCode": service, "Filters": filters}
    for text in account.each("pricing", "get_products", "PriceList", **ask):
        yield json.loads(text)


def _usd(product: Mapping[str, Any]) -> Iterator[float]:
    """Every price of it that is not nothing: free tiers are none of an estimate's."""
    for term in (product.get("terms", {}).get("OnDemand") or {}).values():
        for dimension in term["priceDimensions"].values():
            if usd := float(dimension["pricePerUnit"].get("USD", 0)):
                yield usd


def main(words: Sequence[str] | None = None) -> int:
    """The command: rows of the table for these regions, as JSON; its exit code."""
    parser = argparse.ArgumentParser("python -m tidegate.aws.deploy.price_list")
    parser.add_argument("regions", nargs="+", metavar="REGION", help="for example eu-central-1")
    regions: list[str] = parser.parse_args(words).regions
    said = {
        "as_of": f"{datetime.now(UTC):%Y-%m}",
        "source": "AWS Price List Query API, GetProducts",
    }
    rows: dict[str, dict[str, Any]] = {}
    try:
        for region in regions:
            found = _list(sign_in(region))
            rows[region] = {f.value: {"usd": found[f], **said} for f in Figure if f in found}
            missing = ", ".join(f.value for f in Figure if f not in found)
            if missing:
                sys.stderr.write(f"{region}: the list has not, or has twice: {missing}\n")
    except TidegateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
