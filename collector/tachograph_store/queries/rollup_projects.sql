-- Projects with a span or an evaluator's score stored since an instant, or with a mark; all of them when {project} is ''. Names
-- only: the job serves every project, and reads each by the queries that take one.
SELECT DISTINCT project
FROM
(
    SELECT project
    FROM spans
    WHERE ({project:String} = '' OR project = {project:String})
      AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
    UNION ALL
    SELECT project
    FROM scores
    WHERE ({project:String} = '' OR project = {project:String})
      AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
      AND source = 'evaluator'
    UNION ALL
    SELECT project
    FROM rollup_marks FINAL
    WHERE {project:String} = '' OR project = {project:String}
)
ORDER BY project
