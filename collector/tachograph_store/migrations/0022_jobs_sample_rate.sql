-- The probability with which sampling took the answer when it was decided, 0 where no rule wanted it;
-- the score's weight is its inverse, and a lease that is sent again must still know it.
ALTER TABLE jobs {on_cluster} ADD COLUMN IF NOT EXISTS sample_rate Float64 DEFAULT 1 CODEC(ZSTD(1))
