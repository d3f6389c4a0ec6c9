-- One user's traces likewise.
ALTER TABLE spans {on_cluster} ADD INDEX IF NOT EXISTS user_index user
    TYPE bloom_filter(0.0001) GRANULARITY 1
