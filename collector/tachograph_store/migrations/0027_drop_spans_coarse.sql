-- Every row of it is in spans.
DROP TABLE IF EXISTS spans_coarse {on_cluster}
