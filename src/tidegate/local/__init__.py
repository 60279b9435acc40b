"""One machine, real parts: containers, HAProxy, git, files and their metrics."""
