-- Whose books hold a span: the journal, its block and the source under which it counted as stored. A
-- correction keeps what the first row had. With them the books know which rows they have entered, so
-- that `stored = live + expired + forgotten` holds at every moment and not only when all is quiet.
--
-- Rows that expired are counted before they are deleted (`tachograph_store.removals`); the engine's own
-- TTL is the safety net behind that, a week later. Days before the year 2000 are marks of rows about to
-- be forgotten: these wait until they are counted.
ALTER TABLE spans {on_cluster}
    ADD COLUMN IF NOT EXISTS booked_by LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS booked_block UInt64 DEFAULT 0 CODEC(T64, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS booked_source LowCardinality(String) DEFAULT '',
    MODIFY TTL expires_on + INTERVAL 7 DAY DELETE WHERE toUInt16(expires_on) > 10957
