-- The books of a time range. A line that was written twice counts once; of a client's own lines,
-- which are cumulative since it started, the highest stands; of what waits in a journal (sequence 0)
-- the newest.
SELECT source, signal, outcome, reason, sum(line_count) AS total, max(line_time) AS last_time
FROM
(
    SELECT collector, if(startsWith(collector, 'client:'), 0, sequence) AS line, source, signal, outcome, reason,
        if(startsWith(collector, 'client:') OR line > 0, max(count), argMax(count, version)) AS line_count,
        max(time) AS line_time
    FROM ledger
    WHERE project = {project:String}
      AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    GROUP BY collector, line, source, signal, outcome, reason
)
GROUP BY source, signal, outcome, reason
HAVING total > 0
ORDER BY source, signal, outcome, reason
LIMIT 10000
