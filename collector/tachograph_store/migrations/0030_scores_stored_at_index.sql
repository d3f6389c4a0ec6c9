-- The job and its readers ask which days have scores that were stored lately.
ALTER TABLE scores {on_cluster} ADD INDEX IF NOT EXISTS stored_at_index stored_at TYPE minmax GRANULARITY 1
