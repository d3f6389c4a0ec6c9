-- Projects with a lease that ran out; all of them when {project} is '' (see evaluation_projects).
SELECT DISTINCT project
FROM jobs FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'evaluation'
  AND state IN ('leased', 'running', 'failed')
  AND due_at <= fromUnixTimestamp64Micro({now_us:Int64}, 'UTC')
ORDER BY project
LIMIT 10000
