"""The commands, one file per group. Each asks, then prints; what it looks like is in `render`."""
