"""Why a task ended so soon, out of its last lines: what to write, and where."""

import pytest

from tidegate.local.containers.failures import ending

NGINX = (
    'nginx: [emerg] chown("/var/cache/nginx/client_temp", 101) failed (1: Operation not permitted)'
)


@pytest.mark.parametrize(
    ("line", "user"),
    [
        (NGINX, '"101"'),
        ("[emerg] 7#7: setgid(101) failed (1: Operation not permitted)", '"101"'),
        ('[emerg] initgroups("nginx", 33) failed (1: Operation not permitted)', '"33"'),
        ("chown: /data: Operation not permitted", "NAME"),
    ],
    ids=["chown", "setgid", "initgroups", "no number"],
)
def test_who_changes_users_is_told_the_line_to_write(line: str, user: str) -> None:
    told = ending(f"starting\n{line}\n")
    assert f"the line `security: {{user: {user}}}`" in told
    assert "`security: {capabilities: [CHOWN, SETGID, SETUID]}`" in told


def test_nothing_of_the_log_but_a_number_is_taken_over() -> None:
    assert "hunter2" not in ending('setuid("hunter2") failed (1: Operation not permitted)')
