-- Spans move to granules of 2,048 rows, which cannot be changed in place. Nobody can write until the
-- next file: journals keep what arrives.
RENAME TABLE IF EXISTS spans TO spans_coarse {on_cluster}
