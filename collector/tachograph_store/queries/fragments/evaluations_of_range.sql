-- What is known of evaluations of answers that began in a range: scores, and leases, of which more can be said.
SELECT trace_id, span_id, concat(evaluator, '@', evaluator_version) AS judge
FROM scores
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND source = 'evaluator'
UNION DISTINCT
SELECT trace_id, span_id, concat(evaluator, '@', evaluator_version) AS judge
FROM jobs FINAL
WHERE project = {project:String}
  AND kind = 'evaluation'
  AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC') - INTERVAL 1 SECOND
  AND created_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
