-- Traces with the most of something in a day that is over (kinds `slowest`, `dearest`, ...; the segment is
-- the trace): how much its foremost request has, and when that began.
ALTER TABLE day_rollups {on_cluster}
    ADD COLUMN IF NOT EXISTS place Float64 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS start_time DateTime64(9, 'UTC') CODEC(ZSTD(1))
