-- How many judgeable answers of the range are decided and have no score: every evaluation that was
-- considered was left out, by sampling or since no rule wants it. Nothing of them waits.
-- What was left out once and is wanted by a backfill later has a lease beside it until it has scores.
SELECT count() AS answers
FROM spans FINAL
WHERE project = {project:String}
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND (
      -- include judgeable
  )
  AND cityHash64(trace_id, span_id) IN (
      -- include left_out_answers
  )
  AND cityHash64(trace_id, span_id) NOT IN (
      SELECT cityHash64(trace_id, span_id)
      FROM scores
      WHERE project = {project:String}
        AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
        AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        AND source = 'evaluator'
  )
