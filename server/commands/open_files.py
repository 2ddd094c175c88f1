"""How many sockets and files a process may have open."""

from __future__ import annotations

import resource

MOST = 65_536


def allow_many() -> None:
    """Raise this process's limit, and that of those it starts, as far as the system lets us, up to `MOST`.

    The usual 1024 is meant for programs that use select(2). A browser takes two sockets of the front, and several of
    the process that its call lives in; without one left, nobody else gets in.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
