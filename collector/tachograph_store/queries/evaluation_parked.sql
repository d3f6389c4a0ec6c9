-- Evaluations that were given up, with the reason; the latest first.
SELECT
    project,
    trace_id,
    span_id,
    evaluator,
    evaluator_version,
    attempt,
    error,
    sample_rate,
    due_at AS parked_at,
    toUnixTimestamp64Micro(created_at) AS created_us
FROM jobs FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'evaluation'
  AND state = 'parked'
ORDER BY parked_at DESC, trace_id, span_id, evaluator
LIMIT {limit:UInt32}
