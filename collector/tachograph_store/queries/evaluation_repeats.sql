-- Other answers of the same models to the same prompts, the newest {samples} of each.
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
    -- include free_answers
      AND cityHash64(ifNull(prompt, '')) IN {prompt_hashes:Array(UInt64)}
      AND length(completion) BETWEEN 1 AND {max_bytes:UInt32}
    ORDER BY version DESC
    LIMIT 1 BY trace_id, span_id
)
ORDER BY start_time DESC, trace_id, span_id
LIMIT {samples:UInt32} BY prompt_hash, model
LIMIT {limit:UInt32}
