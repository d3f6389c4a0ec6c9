-- Which evaluations of named answers are settled: a score of any kind is stored.
SELECT
    trace_id,
    span_id,
    evaluator,
    evaluator_version,
    argMax(error_type IS NOT NULL, version) AS is_error
FROM scores
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND trace_id IN {trace_ids:Array(String)}
  AND span_id IN {span_ids:Array(String)}
  AND source = 'evaluator'
GROUP BY trace_id, span_id, evaluator, evaluator_version
LIMIT {limit:UInt32}
