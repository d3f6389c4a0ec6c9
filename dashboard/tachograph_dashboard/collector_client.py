"""The two things the dashboard asks of the collector: whose key is this, and keep this feedback."""

from dataclasses import dataclass

import httpx

from tachograph.semconv.values import Role
from tachograph_dashboard.sessions import Identity

MAX_KEY_CHARS = 512


class CollectorUnavailable(Exception):
    """The collector did not answer, or not as a collector does."""


class KeyRefused(Exception):
    """The key is unknown, expired or revoked, or its role may not read."""


class FeedbackRefused(Exception):
    """The collector did not keep the score; the message says why."""


@dataclass(frozen=True, slots=True)
class CollectorClient:
    """REST calls with a deadline; `base_url` has no trailing slash."""

    base_url: str
    timeout_s: float

    def whoami(self, api_key: str) -> Identity:
        """The project and role of a key. Raises KeyRefused, CollectorUnavailable."""
        if not 0 < len(api_key) <= MAX_KEY_CHARS or not api_key.isascii() or " " in api_key:
            raise KeyRefused("This is not an API key: keys look like tg_… and have no spaces.")
        answer = self._call("GET", "/api/v1/whoami", api_key)
        if answer.status_code in (401, 403):
            raise KeyRefused("The key is unknown, expired or revoked.")
        if answer.status_code != 200:
            raise CollectorUnavailable(f"The collector answered {answer.status_code}.")
        try:
            facts = answer.json()
            identity = Identity(
                project=str(facts["project"]),
                role=str(facts["role"]),
                key_id=str(facts["key_id"]) if facts.get("key_id") is not None else None,
                api_key=api_key,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CollectorUnavailable("The collector's answer was not understood.") from error
        if identity.role not in (Role.VIEW, Role.READ, Role.ADMIN):
            raise KeyRefused(
                f"The key's role is {identity.role}; the dashboard needs view, read or admin."
            )
        return identity

    def post_feedback(
        self,
        api_key: str | None,
        *,
        trace_id: str,
        span_id: str,
        name: str,
        value: float,
        label: str,
        comment: str | None,
        sample_weight: float = 1.0,
    ) -> None:
        """Store a person's label, `sample_weight` above 1 for an answer that was drawn. Raises FeedbackRefused, CollectorUnavailable."""
        body = {
            "trace_id": trace_id,
            "span_id": span_id,
            "name": name,
            "value": value,
            "label": label,
            "comment": comment,
            "sample_weight": sample_weight,
        }
        answer = self._call("POST", "/api/v1/scores", api_key, body)
        if answer.is_success:
            return
        raise FeedbackRefused(_reason(answer))

    def _call(
        self, method: str, path: str, api_key: str | None, body: dict[str, object] | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        try:
            # trust_env off: a proxy from the environment would see the key
            with httpx.Client(
                base_url=self.base_url,
                timeout=self.timeout_s,
                follow_redirects=False,
                trust_env=False,
            ) as client:
                return client.request(method, path, headers=headers, json=body)
        except httpx.HTTPError as error:
            raise CollectorUnavailable(
                f"The collector at {self.base_url} does not answer. Start it with "
                "`tachograph collector`, or set TACHOGRAPH_DASHBOARD_COLLECTOR_URL."
            ) from error


def _reason(answer: httpx.Response) -> str:
    """The collector's own words, or its status when it sent none."""
    try:
        error = answer.json()["error"]
        parts = [str(error[key]) for key in ("message", "remedy") if error.get(key)]
    except (ValueError, KeyError, TypeError, AttributeError):
        parts = []
    return " ".join(parts)[:500] or f"The collector answered {answer.status_code}."
