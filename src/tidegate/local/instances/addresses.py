"""A loopback address of its own for each instance, where the system has more than one.

On Linux all of 127.0.0.0/8 is this machine; elsewhere 127.0.0.1 alone is, and instances share it.
"""

import socket
from zlib import crc32

SHARED = "127.0.0.1"
FIRST_NET = 64
NETS = 128
HOSTS = 250


def address_of(owner: str, instance: str) -> str:
    """The instance's address, from 127.64.0.1 on; 127.0.0.1 where that is no address of ours."""
    number = int(instance[1:])
    net = FIRST_NET + crc32(owner.encode()) % NETS
    address = f"127.{net}.{number // HOSTS % 256}.{number % HOSTS + 1}"
    return address if _ours(address) else SHARED


def _ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
