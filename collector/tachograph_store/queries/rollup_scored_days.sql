-- Days of spans for which evaluators' scores were stored since an instant.
SELECT DISTINCT toDate(span_time) AS day
FROM scores
WHERE project = {project:String}
  AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
  AND source = 'evaluator'
