-- The books of a time range. A line that was written twice counts once; of a cumulative line
-- (a client's own losses) the highest value stands.
SELECT source, signal, outcome, reason, sum(line_count) AS total, max(line_time) AS last_time
FROM
(
    SELECT collector, sequence, source, signal, outcome, reason,
        max(count) AS line_count, max(time) AS line_time
    FROM ledger
    WHERE project = {project:String}
      AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    GROUP BY collector, sequence, source, signal, outcome, reason
)
GROUP BY source, signal, outcome, reason
ORDER BY source, signal, outcome, reason
LIMIT 10000
