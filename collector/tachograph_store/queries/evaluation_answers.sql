-- The texts of named answers, newest version of each.
SELECT
    trace_id,
    span_id,
    parent_span_id,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    toUnixTimestamp64Micro(stored_at) AS stored_us,
    prompt,
    cityHash64(ifNull(prompt, '')) AS prompt_hash,
    prompt_hash AS asked_hash,
    completion,
    context,
    finish_reasons,
    toFloat64OrNull(attributes['tachograph.response.perplexity']) AS perplexity,
    coalesce(response_model, request_model) AS model,
    tenant,
    variant,
    expires_on
FROM spans
WHERE project = {project:String}
  AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
  AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND start_time <= fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND trace_id IN {trace_ids:Array(String)}
  AND span_id IN {span_ids:Array(String)}
ORDER BY version DESC
LIMIT 1 BY trace_id, span_id
LIMIT {limit:UInt32}
