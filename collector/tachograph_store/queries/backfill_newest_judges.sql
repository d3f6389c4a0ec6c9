-- The newest version of each evaluator that somebody wanted answers of a range to be judged by, or left them
-- out of. One that nothing was said of for ten minutes while others came was taken away.
SELECT concat(evaluator, '@', argMax(evaluator_version, j.version)) AS judge
FROM jobs AS j
WHERE project = {project:String}
  AND kind = 'evaluation'
  AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
GROUP BY evaluator
HAVING max(j.version) + 600000000000 >=
(
    SELECT max(version)
    FROM jobs
    WHERE project = {project:String}
      AND kind = 'evaluation'
      AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
)
ORDER BY judge
