CREATE TABLE IF NOT EXISTS api_keys {on_cluster}
(
    project LowCardinality(String),
    key_id String,
    key_hash String,
    name String,
    role LowCardinality(String),
    created_at DateTime64(6, 'UTC'),
    expires_at Nullable(DateTime64(6, 'UTC')),
    revoked_at Nullable(DateTime64(6, 'UTC')),
    version UInt64
)
ENGINE = {replacing}(version)
ORDER BY (project, key_id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
