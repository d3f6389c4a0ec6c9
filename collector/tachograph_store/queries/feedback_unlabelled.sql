-- Answers that one evaluator judged and no person did yet, the newest first.
SELECT
    trace_id,
    span_id,
    span_time,
    assumeNotNull(value) AS score,
    label,
    model,
    tenant
-- include scores_of_selection
  AND source = 'evaluator'
  AND name = {score_name:String}
  AND evaluator = {evaluator:String}
  AND evaluator_version = {version:String}
  AND value IS NOT NULL
  AND (trace_id, span_id) NOT IN
  (
      SELECT trace_id, span_id
      FROM scores
      WHERE project = {project:String}
        AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
        AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        AND source IN ('human', 'api')
  )
ORDER BY span_time DESC, trace_id, span_id
LIMIT {limit:UInt32}
