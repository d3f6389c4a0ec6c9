-- The counted requests of one day, each once.
FROM spans FINAL
WHERE project = {project:String}
  AND _partition_id = {partition:String}
  AND is_counted
  AND spans.expires_on >= toDate('2000-01-01')  -- an earlier day is the mark of the forgotten
