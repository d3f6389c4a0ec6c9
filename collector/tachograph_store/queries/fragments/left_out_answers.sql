-- Answers all of whose evaluations were left out: decided, nothing of them waits.
SELECT cityHash64(trace_id, span_id) AS span
FROM jobs
WHERE {has_skips:Bool}
  AND project = {project:String}
  AND kind = 'evaluation'
  AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 1 SECOND
  AND created_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY span
HAVING countIf(state != 'skipped') = 0
