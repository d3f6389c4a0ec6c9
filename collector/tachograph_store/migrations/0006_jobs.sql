CREATE TABLE IF NOT EXISTS jobs {on_cluster}
(
    project LowCardinality(String),
    kind LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    evaluator LowCardinality(String),
    evaluator_version LowCardinality(String),
    state LowCardinality(String),
    attempt UInt16,
    due_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    error Nullable(String) CODEC(ZSTD(3)),
    cursor String CODEC(ZSTD(1)),
    created_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMM(created_at)
ORDER BY (project, kind, created_at, trace_id, span_id, evaluator, evaluator_version)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
