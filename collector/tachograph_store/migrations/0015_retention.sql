-- Days that a project keeps its rows, where they differ from the settings; NULL is the setting's.
CREATE TABLE IF NOT EXISTS retention {on_cluster}
(
    project LowCardinality(String),
    spans_days Nullable(UInt32),
    content_days Nullable(UInt32),
    readings_days Nullable(UInt32),
    rollups_days Nullable(UInt32),
    version UInt64
)
ENGINE = {replacing}(version)
ORDER BY project
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    non_replicated_deduplication_window = 1000
