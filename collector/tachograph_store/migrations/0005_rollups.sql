CREATE TABLE IF NOT EXISTS rollups {on_cluster}
(
    project LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    operation LowCardinality(String),
    model LowCardinality(String),
    tenant LowCardinality(String),
    variant LowCardinality(String),
    requests UInt64 CODEC(T64, ZSTD(1)),
    errors UInt64 CODEC(T64, ZSTD(1)),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    list_cost Decimal(38, 9) CODEC(ZSTD(1)),
    compute_cost Decimal(38, 9) CODEC(ZSTD(1)),
    gpu_seconds Float64 CODEC(ZSTD(1)),
    energy_j Float64 CODEC(ZSTD(1)),
    duration_buckets Map(UInt16, UInt64) CODEC(ZSTD(1)),
    first_chunk_buckets Map(UInt16, UInt64) CODEC(ZSTD(1)),
    is_deleted UInt8,
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version, is_deleted)
PARTITION BY toYYYYMM(minute)
ORDER BY (project, minute, operation, model, tenant, variant)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
