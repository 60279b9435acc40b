"""Instances on one machine: slots with a real limit, an address, a launch latency and an end."""

from tidegate.local.instances.cgroups import Cgroups, find
from tidegate.local.instances.records import Records
from tidegate.local.instances.slots import LocalInstances

__all__ = ["Cgroups", "LocalInstances", "Records", "find"]
