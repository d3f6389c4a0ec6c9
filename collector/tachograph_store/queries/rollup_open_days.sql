-- Projects with a day before {end_day} that was not added up, or not since it changed; all of them when
-- {project} is ''.
SELECT DISTINCT project
FROM
(
    SELECT project, toDate(period_start) AS day
    FROM rollups
    WHERE ({project:String} = '' OR project = {project:String})
      AND period_s = 3600
      AND grouping = 'all'
      AND period_start < toDateTime({end_day:Date}, 'UTC')
      AND spans_expire_on > toDate(now('UTC'))
    GROUP BY project, day
)
WHERE (project, day) NOT IN
(
    SELECT project, day
    FROM day_rollups
    WHERE ({project:String} = '' OR project = {project:String})
      AND kind = 'whole'
    GROUP BY project, day
    HAVING argMax(is_valid, version) = 3
)
ORDER BY project
