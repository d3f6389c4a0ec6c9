-- Where a resumable job of the project stands.
SELECT argMax(cursor, version) AS cursor
FROM jobs
WHERE project = {project:String}
  AND kind = 'cursor'
  AND evaluator = {job:String}
GROUP BY project
