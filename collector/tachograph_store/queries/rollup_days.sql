-- Days of a project with a note in day_rollups: whether their rows may be read, by the note's version.
-- What has begun to expire, or holds answers whose text has, is not what it was when it was added up.
SELECT
    day,
    argMax(w.is_valid, w.version) AS state,
    state IN (1, 3) AND argMax(w.spans_expire_on, w.version) > toDate(now('UTC')) AS is_valid,
    is_valid AND argMax(w.answers_expire_on, w.version) > toDate(now('UTC')) AS has_answers,
    is_valid AND state = 3 AS has_tops,  -- added up by a version that does not know them yet: 1
    max(w.version) AS noted
FROM day_rollups AS w
WHERE project = {project:String}
  AND kind = 'whole'
  AND day >= {first_day:Date}
  AND day < {end_day:Date}
GROUP BY day
ORDER BY day
