-- Where a job stands in each project; in every one when {project} is ''.
SELECT
    project,
    argMax(cursor, version) AS cursor
FROM jobs
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'cursor'
  AND evaluator = {job:String}
GROUP BY project
LIMIT 10000
