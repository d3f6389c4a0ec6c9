CREATE TABLE IF NOT EXISTS ledger {on_cluster}
(
    project LowCardinality(String),
    collector LowCardinality(String),
    sequence UInt64,
    source LowCardinality(String),
    signal LowCardinality(String),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    time DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    count UInt64 CODEC(T64, ZSTD(1)),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
PARTITION BY toYYYYMM(time)
ORDER BY (project, collector, sequence, source, signal, outcome, reason)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
