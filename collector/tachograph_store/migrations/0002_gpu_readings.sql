CREATE TABLE IF NOT EXISTS gpu_readings {on_cluster}
(
    project LowCardinality(String),
    gpu_id LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)),
    host LowCardinality(String),
    gpu_index Nullable(UInt16),
    gpu_model LowCardinality(Nullable(String)),
    utilization_ratio Nullable(Float64) CODEC(ZSTD(1)),
    memory_used_bytes Nullable(UInt64) CODEC(ZSTD(1)),
    memory_total_bytes Nullable(UInt64) CODEC(ZSTD(1)),
    memory_bus_ratio Nullable(Float64) CODEC(ZSTD(1)),
    power_w Nullable(Float64) CODEC(ZSTD(1)),
    power_limit_w Nullable(Float64) CODEC(ZSTD(1)),
    energy_j Nullable(Float64) CODEC(ZSTD(1)),
    temperature_c Nullable(Float64) CODEC(ZSTD(1)),
    clock_graphics_mhz Nullable(Float64) CODEC(ZSTD(1)),
    clock_memory_mhz Nullable(Float64) CODEC(ZSTD(1)),
    throttle_reasons Nullable(UInt64) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    version UInt64,
    stored_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMMDD(time)
ORDER BY (project, gpu_id, time)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000,
    min_age_to_force_merge_seconds = 900,
    min_age_to_force_merge_on_partition_only = 1
