"""Each claim of the docs as a command that measures it beside a peer: `python -m bench --help`."""
