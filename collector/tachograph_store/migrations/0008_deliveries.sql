CREATE TABLE IF NOT EXISTS deliveries {on_cluster}
(
    project LowCardinality(String),
    delivery_id String,
    incident_id String,
    event LowCardinality(String),
    channel LowCardinality(String),
    target String,
    body String CODEC(ZSTD(3)),
    state LowCardinality(String),
    attempt UInt16,
    http_status Nullable(UInt16),
    error Nullable(String) CODEC(ZSTD(3)),
    next_attempt_at DateTime64(6, 'UTC'),
    created_at DateTime64(6, 'UTC'),
    delivered_at Nullable(DateTime64(6, 'UTC')),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
ORDER BY (project, delivery_id)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
