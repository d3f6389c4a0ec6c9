CREATE TABLE IF NOT EXISTS incidents {on_cluster}
(
    project LowCardinality(String),
    incident_id String,
    rule LowCardinality(String),
    segment String,
    state LowCardinality(String),
    severity LowCardinality(String),
    summary String CODEC(ZSTD(3)),
    value Nullable(Float64),
    threshold Nullable(Float64),
    samples UInt64,
    pending_at DateTime64(6, 'UTC'),
    fired_at Nullable(DateTime64(6, 'UTC')),
    resolved_at Nullable(DateTime64(6, 'UTC')),
    notified_at Nullable(DateTime64(6, 'UTC')),
    acknowledged_by Nullable(String),
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version)
ORDER BY (project, incident_id)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
