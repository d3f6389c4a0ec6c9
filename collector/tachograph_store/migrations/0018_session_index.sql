-- One session's traces, of a month, without reading the month: a session lies in few granules. A page
-- asks for fifty sessions at once, and each has its own chance of a granule read in vain.
ALTER TABLE spans {on_cluster} ADD INDEX IF NOT EXISTS session_index session
    TYPE bloom_filter(0.0001) GRANULARITY 1
