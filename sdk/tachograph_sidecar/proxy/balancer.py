"""Which of several engines gets a request: one that is up, with the least in flight."""

from collections.abc import Collection, Sequence

from tachograph_sidecar.proxy.pool import Upstream, UpstreamPool


class Balancer:
    """Chooses a pool for each request.

    Least requests in flight; among equals the one that was longest not chosen, so that a quiet
    service uses all its engines (and warms all their prefix caches) instead of the first. An engine
    that is down is asked only when no other is left: it may have come back since the last look.

    Args:
        upstreams: where the engines listen; at least one, each once.
        max_connections: to each engine.
    """

    def __init__(self, upstreams: Sequence[Upstream], max_connections: int) -> None:
        self._max_connections = max_connections
        self._pools = [UpstreamPool(upstream, max_connections) for upstream in upstreams]
        self._draining: list[UpstreamPool] = []
        self._order = list(self._pools)

    @property
    def pools(self) -> Sequence[UpstreamPool]:
        """In the order in which the engines were named."""
        return self._pools

    @property
    def draining(self) -> Sequence[UpstreamPool]:
        """Engines that get nothing more and still answer."""
        return self._draining

    def replace(self, upstreams: Sequence[Upstream]) -> None:
        """Other engines from now on: those left out end what is under way and get nothing new."""
        known = {pool.upstream: pool for pool in (*self._pools, *self._draining)}
        self._pools = [
            known[upstream] if upstream in known else UpstreamPool(upstream, self._max_connections)
            for upstream in upstreams
        ]
        self._draining = [pool for pool in known.values() if pool not in self._pools]
        self._order = list(self._pools)

    def pick(self, tried: Collection[UpstreamPool] = ()) -> UpstreamPool | None:
        """The pool for the next request, or None when each has been `tried`."""
        choice = min(
            (pool for pool in self._order if pool not in tried),
            key=lambda pool: (pool.is_down, pool.load),
            default=None,
        )
        if choice is not None and len(self._order) > 1:
            self._order.remove(choice)
            self._order.append(choice)
        return choice

    def sweep(self) -> None:
        """Close connections that have been idle too long."""
        for pool in (*self._pools, *self._draining):
            pool.sweep()
        self._draining = [pool for pool in self._draining if pool.load or pool.open_count]

    async def close(self) -> None:
        """Close what is idle; what is under way is its exchange's."""
        for pool in (*self._pools, *self._draining):
            await pool.close()
