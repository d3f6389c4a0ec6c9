-- Evaluations that are open or given up; of every project when {project} is ''.
SELECT
    countIf(state != 'parked') AS open,
    minOrNullIf(created_at, state != 'parked') AS oldest_at,
    countIf(state = 'parked') AS parked
FROM jobs FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'evaluation'
  AND state IN ('leased', 'running', 'failed', 'parked')
