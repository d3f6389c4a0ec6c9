-- Which minutes have too many groups is asked for each chart; hardly any has. Of a minute's older version
-- that an index leaves standing, FINAL says too much at worst: its spans are read in place of its rollup.
ALTER TABLE rollups {on_cluster}
    ADD INDEX IF NOT EXISTS groups_index groups TYPE minmax GRANULARITY 1,
    MATERIALIZE INDEX groups_index
