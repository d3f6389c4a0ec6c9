-- Totals of counted requests in a minute (period_s 60) or an hour (3600), in five groupings, so that a
-- page reads only as many rows as it asks for groups. A histogram is two parallel arrays: numbers of
-- buckets, ascending, and how many requests fell into each.
CREATE TABLE IF NOT EXISTS rollups {on_cluster}
(
    project LowCardinality(String),
    period_s UInt16,
    grouping LowCardinality(String),
    period_start DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    model LowCardinality(String),
    tenant LowCardinality(String),
    variant LowCardinality(String),
    operation LowCardinality(String),
    currency LowCardinality(String),
    requests UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    cache_read_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    reasoning_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    without_tokens UInt64 CODEC(T64, ZSTD(1)),
    list_cost Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    without_list_cost UInt64 CODEC(T64, ZSTD(1)),
    list_priced_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    compute_cost Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    without_compute_cost UInt64 CODEC(T64, ZSTD(1)),
    compute_priced_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)),
    reported_cost Nullable(Decimal(38, 9)) CODEC(ZSTD(1)),
    engine_seconds Nullable(Float64) CODEC(ZSTD(1)),
    without_engine_seconds UInt64 CODEC(T64, ZSTD(1)),
    gpu_seconds Nullable(Float64) CODEC(ZSTD(1)),
    without_gpu_seconds UInt64 CODEC(T64, ZSTD(1)),
    energy_j Nullable(Float64) CODEC(ZSTD(1)),
    without_energy UInt64 CODEC(T64, ZSTD(1)),
    duration_buckets Array(UInt16) CODEC(Delta(2), ZSTD(1)),
    duration_counts Array(UInt64) CODEC(T64, ZSTD(1)),
    first_chunk_buckets Array(UInt16) CODEC(Delta(2), ZSTD(1)),
    first_chunk_counts Array(UInt64) CODEC(T64, ZSTD(1)),
    output_chunk_buckets Array(UInt16) CODEC(Delta(2), ZSTD(1)),
    output_chunk_counts Array(UInt64) CODEC(T64, ZSTD(1)),
    groups UInt32 CODEC(T64, ZSTD(1)),
    spans_expire_on Date,
    is_deleted UInt8,
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version, is_deleted)
PARTITION BY toYYYYMM(period_start)
ORDER BY (project, period_s, grouping, period_start, model, tenant, variant, operation, currency)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
