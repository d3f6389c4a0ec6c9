-- Days before {end_day} of which there are rollups, and whose spans have not begun to expire.
SELECT toDate(period_start) AS day
FROM rollups FINAL
WHERE project = {project:String}
  AND period_s = 3600
  AND grouping = 'all'
  AND period_start < toDateTime({end_day:Date}, 'UTC')
GROUP BY day
HAVING min(spans_expire_on) > toDate(now('UTC'))
ORDER BY day
