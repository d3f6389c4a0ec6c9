-- Leases that ran out, evaluations whose worker died and failures that are due again; of every project
-- when {project} is '', the longest overdue of each.
SELECT
    project,
    trace_id,
    span_id,
    evaluator,
    evaluator_version,
    state,
    attempt,
    error,
    sample_rate,
    toUnixTimestamp64Micro(created_at) AS created_us
FROM jobs FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'evaluation'
  AND state IN ('leased', 'running', 'failed')
  AND due_at <= fromUnixTimestamp64Micro({now_us:Int64}, 'UTC')
ORDER BY due_at, trace_id, span_id, evaluator
LIMIT {limit:UInt32} BY project
LIMIT 100000
