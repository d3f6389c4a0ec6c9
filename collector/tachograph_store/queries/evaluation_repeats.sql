-- Other answers of the same models to the same prompts, the newest {samples} of each.
-- At temperature 0 an engine repeats itself whatever it knows: such answers tell nothing.
SELECT
    prompt_hash,
    model,
    trace_id,
    span_id,
    completion
FROM
(
    SELECT
        cityHash64(ifNull(prompt, '')) AS prompt_hash,
        coalesce(response_model, request_model) AS model,
        trace_id,
        span_id,
        start_time,
        completion
    FROM spans
    WHERE project = {project:String}
      AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
      AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND cityHash64(ifNull(prompt, '')) IN {prompt_hashes:Array(UInt64)}
      AND is_counted
      AND operation IN {operations:Array(String)}
      AND status_code != 'ERROR'
      AND length(completion) BETWEEN 1 AND {max_bytes:UInt32}
      AND ifNull(toFloat64OrNull(attributes['gen_ai.request.temperature']), 1) > 0
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
)
ORDER BY start_time DESC, trace_id, span_id
LIMIT {samples:UInt32} BY prompt_hash, model
LIMIT {limit:UInt32}
