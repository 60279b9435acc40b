"""Numbers of things, as a person would say them."""


def counted(number: int, what: str) -> str:
    """1 task, 2 tasks, 41,003 tasks. `what` is a noun whose plural ends with an s."""
    return f"{number:,} {what}{'' if abs(number) == 1 else 's'}"
