-- What a list says of each session, within the range: sums over counted spans, never content.
SELECT
    assumeNotNull(spans.session) AS session,
    toUnixTimestamp64Nano(min(spans.start_time)) AS start_time,
    toUInt64(max(toUnixTimestamp64Nano(spans.start_time) + spans.duration_ns) - start_time) AS duration_ns,
    toUnixTimestamp64Nano(max(spans.start_time)) AS last_active_at,
    uniqExact(trace_id) AS trace_count,
    countIf(is_counted) AS request_count,
    countIf(status_code = 'ERROR') AS error_count,
    any(spans.user) AS user,
    any(spans.tenant) AS tenant,
    sumOrNullIf(spans.input_tokens, is_counted) AS input_tokens,
    sumOrNullIf(spans.output_tokens, is_counted) AS output_tokens,
    sumOrNullIf(spans.list_cost, is_counted) AS list_cost,
    sumOrNullIf(spans.compute_cost, is_counted) AS compute_cost,
    any(spans.cost_currency) AS cost_currency
FROM spans FINAL
WHERE project = {project:String}
    AND spans.session IN {sessions:Array(String)}
    AND spans.start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
    AND spans.start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
GROUP BY session
