CREATE TABLE IF NOT EXISTS scores {on_cluster}
(
    project LowCardinality(String),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    span_time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    evaluator LowCardinality(String),
    evaluator_version LowCardinality(String),
    name LowCardinality(String),
    author String CODEC(ZSTD(1)),
    source LowCardinality(String),
    value Nullable(Float64) CODEC(ZSTD(1)),
    label LowCardinality(Nullable(String)),
    explanation Nullable(String) CODEC(ZSTD(3)),
    offsets Array(Tuple(start UInt32, stop UInt32, label LowCardinality(String))) CODEC(ZSTD(1)),
    error_type LowCardinality(Nullable(String)),
    model LowCardinality(Nullable(String)),
    tenant LowCardinality(Nullable(String)),
    variant LowCardinality(Nullable(String)),
    duration_ns Nullable(UInt64) CODEC(ZSTD(1)),
    cost Nullable(Decimal(18, 9)) CODEC(ZSTD(1)),
    sample_weight Float64 CODEC(ZSTD(1)),
    created_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    version UInt64,
    stored_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    expires_on Date,
    INDEX trace_id_index trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMMDD(span_time)
ORDER BY (project, span_time, trace_id, span_id, evaluator, evaluator_version, name, author)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000,
    min_age_to_force_merge_seconds = 900,
    min_age_to_force_merge_on_partition_only = 1
