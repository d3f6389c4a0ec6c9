-- A page asks for fifty traces at once: one false granule in 10,000 for each, as for sessions.
ALTER TABLE spans {on_cluster}
    DROP INDEX IF EXISTS trace_id_index,
    ADD INDEX IF NOT EXISTS trace_id_index trace_id TYPE bloom_filter(0.0001) GRANULARITY 1
