CREATE TABLE IF NOT EXISTS engine_readings {on_cluster}
(
    project LowCardinality(String),
    name LowCardinality(String),
    instance LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    labels_hash UInt64,
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind LowCardinality(String),
    value Float64 CODEC(ZSTD(1)),
    unit LowCardinality(String),
    version UInt64,
    stored_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMMDD(time)
ORDER BY (project, name, instance, labels_hash, time)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000,
    min_age_to_force_merge_seconds = 900,
    min_age_to_force_merge_on_partition_only = 1
