"""Closed sets of values on the wire."""

from typing import Final

MODEL_OPERATIONS: Final = frozenset({"chat", "generate_content", "text_completion", "embeddings"})
"""Values of `gen_ai.operation.name` that are model calls; only these may count."""

GENERATIVE_OPERATIONS: Final = frozenset({"chat", "generate_content", "text_completion"})
"""Model calls whose answer can be judged."""


class Observer:
    """Who saw the request (`tachograph.observer`, column `spans.observer`)."""

    CLIENT = "client"  # an SDK in the calling application; the default
    PROXY = "proxy"  # the sidecar: wins over the client
    ENGINE = "engine"  # the engine's own span: joins by request id, never counts
    IMPORT = "import"


class Role:
    """What an API key may do: `ingest` sends, `view` reads and gives a person's verdicts, `read` does
    both, `admin` everything."""

    INGEST = "ingest"
    VIEW = "view"
    READ = "read"
    ADMIN = "admin"


class DropReason:
    """Why a record did not reach the next stage; every loss is counted under one of these."""

    QUEUE_FULL = "queue_full"
    QUEUE_BYTES = "queue_bytes"
    EXPORT_REJECTED = "export_rejected"  # the collector answered 4xx, or partial success
    RETRIES_EXHAUSTED = "retries_exhausted"
    SHUTDOWN = "shutdown"  # still queued when the shutdown deadline passed
    SAMPLED_OUT = "sampled_out"
    INTERNAL_ERROR = "internal_error"


class RejectReason:
    """Why the collector refused one span, data point or log record of an accepted request."""

    TOO_OLD = "too_old"  # start time before now - retention
    IN_FUTURE = "in_future"  # start time after now + 10 min
    BAD_TRACE_ID = "bad_trace_id"
    BAD_SPAN_ID = "bad_span_id"
    BAD_TIME = "bad_time"  # end before start, or zero
    BAD_VALUE = "bad_value"
    UNSUPPORTED = "unsupported"  # a data point or log record that no table takes


class CostSource:
    """`gen_ai.usage.cost.source`."""

    PROVIDER = "provider"
    LOCAL = "local"


class ScoreSource:
    """Who gave a score (column `scores.source`)."""

    EVALUATOR = "evaluator"
    HUMAN = "human"
    API = "api"
