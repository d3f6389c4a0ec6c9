-- What the evaluators still have to do, and what became of the rest: evaluations by state and reason.
SELECT
    state,
    if(state IN ('skipped', 'parked'), ifNull(error, ''), '') AS reason,
    count() AS evaluations,
    uniqExact(cityHash64(trace_id, span_id)) AS answers,
    min(created_at) AS oldest_at
FROM jobs FINAL
WHERE project = {project:String}
  AND kind = 'evaluation'
  AND state != 'done'
  AND (state NOT IN ('skipped') OR due_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
GROUP BY state, reason
ORDER BY state, evaluations DESC, reason
LIMIT 200
