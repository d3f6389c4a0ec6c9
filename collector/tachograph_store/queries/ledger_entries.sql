-- The books of a time range, in whole minutes. A line that was written again counts once; of a client's
-- own lines, which are cumulative since it started, the highest stands. What waits in a journal is its
-- newest line, and was received and accepted.
SELECT
    source, signal,
    arrayJoin(if(line_outcome = 'waiting', ['received', 'accepted', 'waiting'], [line_outcome])) AS outcome,
    reason, sum(line_count) AS total, max(line_time) AS last_time
FROM
(
    SELECT collector, if(startsWith(collector, 'client:'), 1, sequence) AS line,
        source, signal, toString(ledger.outcome) AS line_outcome, reason,
        if(startsWith(collector, 'client:'), max(count), argMax(count, version)) AS line_count,
        max(time) AS line_time
    FROM ledger
    WHERE project = {project:String}
      AND (time >= fromUnixTimestamp64Nano(intDiv({since_ns:Int64}, 60000000000) * 60000000000, 'UTC') AND sequence > 0
          OR sequence = 0 AND outcome = 'waiting')
      AND time < fromUnixTimestamp64Nano(intDiv({until_ns:Int64} + 59999999999, 60000000000) * 60000000000, 'UTC')
    GROUP BY collector, line, source, signal, line_outcome, reason
)
GROUP BY source, signal, outcome, reason
HAVING total > 0
ORDER BY source, signal, outcome, reason
LIMIT 10000
