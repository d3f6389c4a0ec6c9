-- Ranges of minutes that were marked because spans were taken away there.
SELECT mark_id, toUnixTimestamp(since) AS since_s, toUnixTimestamp(until) AS until_s
FROM rollup_marks FINAL
WHERE project = {project:String}
ORDER BY mark_id
