-- Whether any answer of a range may have its text in events beside it.
SELECT count() > 0 AS has_some
FROM
(
    -- include told_of_range
      AND _partition_id NOT IN {quiet_partitions:Array(String)}
    LIMIT 1
)
