-- Projects with a model call stored since an instant; all of them when {project} is ''. Names only:
-- the planner serves every project, and reads each by the queries that take one.
SELECT DISTINCT project
FROM spans
WHERE ({project:String} = '' OR project = {project:String})
  AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
  AND is_counted
  AND operation IN {operations:Array(String)}
ORDER BY project
LIMIT 10000
