"""Capacity: instances of on-demand and spot providers that come and go with the tasks.

`instances` follows each instance's life; `decide` places tasks and orders or gives back instances.
Recommended controllers, where AWS has none (fallback, return, consolidation): the Karpenter
designs "balanced consolidation" and "capacity buffers"; the rest is ECS's cluster auto scaling.
"""
