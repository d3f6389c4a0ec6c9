-- Answers that evaluators may judge, and those without a score, of whole days that were added up.
SELECT sum(d.requests) AS answers, sum(d.unscored) AS unscored
FROM day_rollups AS d
WHERE project = {project:String}
  AND kind = 'answers'
  AND day IN {days:Array(Date)}
  AND (day, d.version) IN (SELECT arrayJoin(arrayZip({days:Array(Date)}, {versions:Array(UInt64)})))
