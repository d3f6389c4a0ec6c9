-- How far the rollup job has come, in spans by when they were stored (0: it never ran), the version of
-- that note, and the engine's own time. The job keeps one cursor for all projects, under project ''.
SELECT
    toInt64OrZero(argMax(j.cursor, j.version)) AS settled_us,
    max(j.version) AS version,
    toUnixTimestamp64Micro(now64(6)) AS now_us
FROM jobs AS j
WHERE project = {project:String}
  AND kind = 'cursor'
  AND evaluator = 'rollups'
