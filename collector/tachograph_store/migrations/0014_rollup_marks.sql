-- Ranges of minutes whose rollups no longer follow from the spans: something was deleted there.
CREATE TABLE IF NOT EXISTS rollup_marks {on_cluster}
(
    project LowCardinality(String),
    mark_id String,
    since DateTime('UTC'),
    until DateTime('UTC'),
    is_deleted UInt8,
    version UInt64,
    expires_on Date
)
ENGINE = {replacing}(version, is_deleted)
ORDER BY (project, mark_id)
TTL expires_on
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
