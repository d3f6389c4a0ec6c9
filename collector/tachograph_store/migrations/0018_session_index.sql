-- One session's traces, of a month, without reading the month: a session lies in few granules.
ALTER TABLE spans {on_cluster} ADD INDEX IF NOT EXISTS session_index session
    TYPE bloom_filter(0.01) GRANULARITY 1
