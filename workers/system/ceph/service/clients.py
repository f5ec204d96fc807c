"""Clients of the cluster: which have an image open, of which hosts they are, and how they are kept from writing."""

from typing import Any

import rados
from pool import Pool, Refused

HOSTS = "celerity_hosts"  # an object: the addresses of hosts


def clients_of(pool: Pool, image: Any) -> list[str]:
    """The addresses of the clients that may write to an image: those that have it open, and those that were cut off
    with its lock and may be back.
    """
    own = pool.cluster.get_instance_id()
    lockers = image.list_lockers() or {"lockers": []}
    others = [address for client, _, address in lockers["lockers"] if client != f"client.{own}"]
    return sorted({*pool.strangers(image), *others})


def fence(pool: Pool, volume: str, keep: list[str], hours: int) -> Any:
    """Let no client that has the volume open write any more, but those of the hosts in ``keep``. The lock keeps other
    hosts' operations, which are clients too, out of it.
    """
    if not pool.has(f"volume-{volume}"):
        return []
    with pool.locked(volume, removing=True), pool.image(f"volume-{volume}", read_only=True) as image:
        known = _addresses(pool)
        if unknown := [host for host in keep if host not in known]:
            raise Refused("unavailable", f"nobody knows which clients are those of {unknown}")
        kept = {known[host] for host in keep}
        strangers = [client for client in clients_of(pool, image) if _ip(client) not in kept]
        for client in strangers:
            block(pool, client, hours)
    return strangers


def introduce(pool: Pool, host: str) -> Any:
    """Note by which address a host's clients are known."""
    address = _ip(pool.cluster.get_addrs())
    if _addresses(pool).get(host) != address:
        with rados.WriteOpCtx() as operation:
            pool.io.set_omap(operation, (host,), (address.encode(),))
            pool.io.operate_write_op(operation, HOSTS)


def _addresses(pool: Pool) -> dict[str, str]:
    """The addresses of hosts, as they introduced themselves."""
    try:
        with rados.ReadOpCtx() as operation:
            rows, _ = pool.io.get_omap_vals(operation, "", "", 10000)
            pool.io.operate_read_op(operation, HOSTS)
            return {host: value.decode() for host, value in rows}
    except rados.ObjectNotFound:
        return {}


def _ip(client: str) -> str:
    """The address of "192.0.2.1:0/123", or of "v2:[2001:db8::1]:0/123"."""
    return client.removeprefix("v2:").removeprefix("v1:").rpartition(":")[0].strip("[]")


def block(pool: Pool, client: str, hours: int) -> Any:
    """Let a client write no more."""
    pool.ask(prefix="osd blocklist", blocklistop="add", addr=client, expire=float(hours * 3600))
    pool.cluster.wait_for_latest_osdmap()
