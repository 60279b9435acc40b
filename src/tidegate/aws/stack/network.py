"""The network: two or three zones, each with a public and a private subnet, or an existing VPC."""

import ipaddress
from dataclasses import dataclass, field

from aws_cdk import CfnTag, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs

from tidegate.aws.stack.roles import role, write_logs
from tidegate.core.model import Egress, Network


@dataclass(frozen=True, slots=True)
class Placed:
    """Where things are: ids, and the addresses that private subnets reach the internet from."""

    vpc_id: str
    public: list[str]
    private: list[str]
    egress: list[str] = field(default_factory=list)


def place(stack: Stack, network: Network, flow_log: logs.CfnLogGroup, role_path: str) -> Placed:
    """The network that the file asks for."""
    if network.vpc_id is not None:
        return Placed(network.vpc_id, list(network.public_subnets), list(network.private_subnets))
    vpc = ec2.CfnVPC(
        stack,
        "Vpc",
        cidr_block=network.cidr,
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags=[CfnTag(key="Name", value=stack.stack_name)],
    )
    gateway = ec2.CfnInternetGateway(stack, "InternetGateway")
    attached = ec2.CfnVPCGatewayAttachment(
        stack, "GatewayAttachment", vpc_id=vpc.ref, internet_gateway_id=gateway.ref
    )
    blocks = _blocks(network)
    public = [_subnet(stack, vpc, f"PublicSubnet{n + 1}", n, b) for n, b in enumerate(blocks[0])]
    private = [_subnet(stack, vpc, f"PrivateSubnet{n + 1}", n, b) for n, b in enumerate(blocks[1])]
    table = ec2.CfnRouteTable(stack, "PublicRoutes", vpc_id=vpc.ref)
    out = ec2.CfnRoute(
        stack,
        "PublicRoute",
        route_table_id=table.ref,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=gateway.ref,
    )
    out.add_resource_dependency(attached)
    for number, subnet in enumerate(public, 1):
        _associate(stack, f"PublicSubnet{number}Routes", subnet, table)
    egress, tables = _private_routes(stack, network, vpc, public, out)
    for number, subnet in enumerate(private, 1):
        _associate(stack, f"PrivateSubnet{number}Routes", subnet, tables[number - 1])
    _keep_in(stack, vpc, tables, flow_log, role_path)
    return Placed(vpc.ref, [s.ref for s in public], [s.ref for s in private], egress)


def _blocks(network: Network) -> tuple[list[str], list[str]]:
    """CIDRs of the subnets: a quarter of the range is public, the rest private, each by zone."""
    parts = list(ipaddress.IPv4Network(network.cidr).subnets(prefixlen_diff=4))
    public = [str(parts[n]) for n in range(network.zones)]
    quarters = list(ipaddress.IPv4Network(network.cidr).subnets(prefixlen_diff=2))
    return public, [str(quarters[n + 1]) for n in range(network.zones)]


def _subnet(stack: Stack, vpc: ec2.CfnVPC, name: str, zone: int, block: str) -> ec2.CfnSubnet:
    return ec2.CfnSubnet(
        stack,
        name,
        vpc_id=vpc.ref,
        cidr_block=block,
        availability_zone=Fn.select(zone, Fn.get_azs()),
        map_public_ip_on_launch=False,
        tags=[CfnTag(key="Name", value=f"{stack.stack_name}/{name}")],
    )


def _associate(stack: Stack, name: str, subnet: ec2.CfnSubnet, table: ec2.CfnRouteTable) -> None:
    ec2.CfnSubnetRouteTableAssociation(stack, name, subnet_id=subnet.ref, route_table_id=table.ref)


def _private_routes(
    stack: Stack,
    network: Network,
    vpc: ec2.CfnVPC,
    public: list[ec2.CfnSubnet],
    out: ec2.CfnRoute,
) -> tuple[list[str], list[ec2.CfnRouteTable]]:
    """A NAT gateway for each zone, or one for all; the addresses, and each zone's route table."""
    count = network.zones if network.egress is Egress.NAT_PER_ZONE else 1
    gateways, addresses = [], []
    for number in range(count):
        address = ec2.CfnEIP(stack, f"NatAddress{number + 1}", domain="vpc")
        gateway = ec2.CfnNatGateway(
            stack,
            f"NatGateway{number + 1}",
            subnet_id=public[number].ref,
            allocation_id=address.attr_allocation_id,
        )
        gateway.add_resource_dependency(out)
        gateways.append(gateway)
        addresses.append(address.attr_public_ip)
    tables = []
    for zone in range(network.zones):
        table = ec2.CfnRouteTable(stack, f"PrivateRoutes{zone + 1}", vpc_id=vpc.ref)
        ec2.CfnRoute(
            stack,
            f"PrivateRoute{zone + 1}",
            route_table_id=table.ref,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=gateways[min(zone, count - 1)].ref,
        )
        tables.append(table)
    return addresses, tables


def _keep_in(
    stack: Stack,
    vpc: ec2.CfnVPC,
    tables: list[ec2.CfnRouteTable],
    flow_log: logs.CfnLogGroup,
    role_path: str,
) -> None:
    """S3 (image layers, artifacts) without the NAT gateway's price, and a log of all flows."""
    ec2.CfnVPCEndpoint(
        stack,
        "S3Endpoint",
        vpc_id=vpc.ref,
        vpc_endpoint_type="Gateway",
        service_name=Fn.sub("com.amazonaws.${AWS::Region}.s3"),
        route_table_ids=[table.ref for table in tables],
    )
    writer = role(
        stack,
        "FlowLogRole",
        "vpc-flow-logs.amazonaws.com",
        role_path,
        [write_logs(flow_log.attr_arn)],
    )
    ec2.CfnFlowLog(
        stack,
        "FlowLog",
        resource_type="VPC",
        resource_id=vpc.ref,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_group_name=flow_log.ref,
        deliver_logs_permission_arn=writer.attr_arn,
    )
