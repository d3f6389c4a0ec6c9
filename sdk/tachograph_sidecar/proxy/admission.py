"""Who may go to the engine now: limits a tenant, and an order among those who wait.

Limits are token buckets (ITU-T I.371's generic cell rate algorithm in its bucket form): a bucket
holds one minute's allowance, fills steadily and is charged afterwards for tokens, because only the
engine knows how many there were; it may go below zero, and then the tenant waits for it to fill.

Those who wait are taken by class, high before medium before low, in order of arrival within one;
waiting `promote_after_s` counts as much as one class, so that nobody starves.
"""

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

Priority = Literal["high", "medium", "low"]
PRIORITIES: Final[tuple[Priority, ...]] = ("high", "medium", "low")
MAX_TENANTS: Final = 10_000
"""Tenants whose buckets are kept; the one not seen for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class TenantRule:
    """What one tenant may do; None is unlimited.

    Attributes:
        requests_per_minute: also the most at once.
        tokens_per_minute: input and output together.
        priority: its class, and the highest that its requests may ask for.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    priority: Priority = "medium"


@dataclass(frozen=True, slots=True)
class AdmissionRules:
    """What holds for all.

    Attributes:
        max_in_flight: model requests at the engines at a time; None: no bound, nobody waits.
        max_waiting: requests that may wait; the next is refused.
        max_wait_s: the longest wait, seconds.
        promote_after_s: the wait that outweighs one class, seconds.
        tenants: rules by tenant.
        other: the rule of each tenant not named, and of all requests of no known tenant together.
    """

    max_in_flight: int | None = None
    max_waiting: int = 1000
    max_wait_s: float = 30.0
    promote_after_s: float = 10.0
    tenants: Mapping[str, TenantRule] = field(default_factory=dict)
    other: TenantRule = TenantRule()

    def of(self, tenant: str | None) -> TenantRule:
        return self.other if tenant is None else self.tenants.get(tenant, self.other)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not go, and when to try again (seconds, None: unknown)."""

    status: int
    code: str
    message: str
    remedy: str
    retry_after_s: float | None


class Applicant(Protocol):
    """A request that waits."""

    def admitted(self, waited_s: float) -> None: ...

    def refused(self, refusal: Refusal) -> None: ...


@dataclass(slots=True)
class _Bucket:
    per_minute: float
    level: float
    filled_at: float

    def fill(self, now: float) -> float:
        """The level now."""
        gained = (now - self.filled_at) * self.per_minute / 60.0
        self.level = min(self.per_minute, self.level + gained)
        self.filled_at = now
        return self.level

    def wait_s(self, needed: float) -> float:
        """Until the level is at least `needed`."""
        return max(0.0, (needed - self.level) * 60.0 / self.per_minute)


@dataclass(slots=True)
class _Account:
    requests: _Bucket | None
    tokens: _Bucket | None


@dataclass(slots=True)
class _Waiting:
    applicant: Applicant
    since: float


class Admission:
    """The gate before the engines. All calls come from one event loop.

    Args:
        rules: what holds now; `replace` changes it.
        now: seconds on a monotonic clock.
    """

    def __init__(self, rules: AdmissionRules, now: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._now = now
        self._accounts: OrderedDict[str | None, _Account] = OrderedDict()
        self._waiting: dict[Priority, deque[_Waiting]] = {name: deque() for name in PRIORITIES}
        self.in_flight = 0
        self.refused: Counter[str] = Counter()

    @property
    def waiting(self) -> dict[str, int]:
        """Requests that wait, by class."""
        return {name: len(queue) for name, queue in self._waiting.items()}

    def replace(self, rules: AdmissionRules) -> None:
        """Other rules from now on; buckets begin full, those who wait keep their places."""
        self._rules = rules
        self._accounts.clear()
        self._admit_waiting()

    def priority(self, tenant: str | None, asked: str | None) -> Priority:
        """The class of a request: what it asks for, at most its tenant's own."""
        own = self._rules.of(tenant).priority
        for name in PRIORITIES:
            if name == asked:
                return name if PRIORITIES.index(name) > PRIORITIES.index(own) else own
        return own

    def enter(self, applicant: Applicant, tenant: str | None, priority: Priority) -> None:
        """Let it go, let it wait, or refuse it: `admitted` or `refused` is called now or later.

        Each admitted request must `leave`; one that goes away before is withdrawn by `forget`.
        """
        refusal = self._limit(tenant)
        if refusal is None and self._is_full:
            if sum(map(len, self._waiting.values())) < self._rules.max_waiting:
                self._waiting[priority].append(_Waiting(applicant, self._now()))
                return
            refusal = self._refusal_of_overload("queue_full", "too many requests wait already")
        if refusal is None:
            self.in_flight += 1
            applicant.admitted(0.0)
        else:
            self.refused[refusal.code] += 1
            applicant.refused(refusal)

    def leave(self) -> None:
        """An admitted request is over."""
        self.in_flight -= 1
        self._admit_waiting()

    def forget(self, applicant: Applicant) -> bool:
        """Withdraw a request that waits; False when it does not."""
        for queue in self._waiting.values():
            for waiting in queue:
                if waiting.applicant is applicant:
                    queue.remove(waiting)
                    return True
        return False

    def charge(self, tenant: str | None, token_count: int) -> None:
        """Take the tokens that a request used from its tenant's bucket."""
        bucket = self._account(tenant).tokens
        if bucket is not None:
            bucket.fill(self._now())
            bucket.level -= token_count

    def sweep(self) -> None:
        """Refuse those who have waited too long; call about once a second."""
        oldest = self._now() - self._rules.max_wait_s
        for queue in self._waiting.values():
            while queue and queue[0].since < oldest:
                waited = queue.popleft()
                refusal = self._refusal_of_overload(
                    "queue_timeout", f"no place within {self._rules.max_wait_s:g} s"
                )
                self.refused[refusal.code] += 1
                waited.applicant.refused(refusal)

    # --- inside

    @property
    def _is_full(self) -> bool:
        bound = self._rules.max_in_flight
        return bound is not None and self.in_flight >= bound

    def _admit_waiting(self) -> None:
        while not self._is_full:
            now = self._now()
            heads = [(rank, self._waiting[name]) for rank, name in enumerate(PRIORITIES)]
            queue = min(
                (item for item in heads if item[1]),
                key=lambda item: item[0] - (now - item[1][0].since) / self._rules.promote_after_s,
                default=(0, None),
            )[1]
            if queue is None:
                return
            waiting = queue.popleft()
            self.in_flight += 1
            waiting.applicant.admitted(now - waiting.since)

    def _limit(self, tenant: str | None) -> Refusal | None:
        """Take one request from the tenant's buckets, or say why not."""
        account, now = self._account(tenant), self._now()
        who = "without a known key" if tenant is None else f"of tenant {tenant!r}"
        if account.tokens is not None and account.tokens.fill(now) <= 0:
            wait_s = account.tokens.wait_s(1.0)
            return _over_limit("tokens", who, account.tokens.per_minute, wait_s)
        if account.requests is not None:
            if account.requests.fill(now) < 1.0:
                wait_s = account.requests.wait_s(1.0)
                return _over_limit("requests", who, account.requests.per_minute, wait_s)
            account.requests.level -= 1.0
        return None

    def _account(self, tenant: str | None) -> _Account:
        account = self._accounts.get(tenant)
        if account is None:
            rule, now = self._rules.of(tenant), self._now()
            account = self._accounts[tenant] = _Account(
                _full(rule.requests_per_minute, now), _full(rule.tokens_per_minute, now)
            )
            if len(self._accounts) > MAX_TENANTS:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(tenant)
        return account

    def _refusal_of_overload(self, code: str, problem: str) -> Refusal:
        return Refusal(
            503,
            code,
            f"The engines are busy: {problem}.",
            "Try again later, or raise max_in_flight, max_waiting or max_wait_s in the routing "
            "file.",
            1.0,
        )


def _full(per_minute: float | None, now: float) -> _Bucket | None:
    return None if per_minute is None else _Bucket(per_minute, per_minute, now)


def _over_limit(what: str, who: str, per_minute: float, wait_s: float) -> Refusal:
    return Refusal(
        429,
        "rate_limit_exceeded",
        f"Requests {who} have used their {per_minute:g} {what} a minute.",
        f"Try again in {wait_s:.1f} s, or raise {what}_per_minute in the routing file.",
        wait_s,
    )
