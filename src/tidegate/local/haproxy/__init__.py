"""The data plane on one machine: HAProxy, driven by its runtime API, with its state on disk."""
