-- What a list says of each trace: sums over its counted spans, never its content. Spans more than a
-- day from the page's traces are not looked for here; the page of one trace shows them all.
SELECT
    trace_id,
    toUnixTimestamp64Nano(min(spans.start_time)) AS start_time,
    toUInt64(max(toUnixTimestamp64Nano(spans.start_time) + spans.duration_ns) - start_time) AS duration_ns,
    argMin(spans.name, (spans.parent_span_id != '', spans.start_time)) AS name,
    argMin(spans.service_name, (spans.parent_span_id != '', spans.start_time)) AS service_name,
    count() AS span_count,
    countIf(is_counted) AS request_count,
    countIf(status_code = 'ERROR') AS error_count,
    arraySort(arrayFilter(model -> model != '', groupUniqArray(10)(coalesce(response_model, request_model, '')))) AS models,
    arraySort(groupUniqArray(10)(spans.observer)) AS observers,
    any(spans.tenant) AS tenant,
    any(spans.user) AS user,
    any(spans.session) AS session,
    any(spans.variant) AS variant,
    sumOrNullIf(spans.input_tokens, is_counted) AS input_tokens,
    sumOrNullIf(spans.output_tokens, is_counted) AS output_tokens,
    sumOrNullIf(spans.cache_read_tokens, is_counted) AS cache_read_tokens,
    minOrNullIf(spans.time_to_first_chunk_s, is_counted) AS time_to_first_chunk_s,
    sumOrNullIf(spans.list_cost, is_counted) AS list_cost,
    sumOrNullIf(spans.compute_cost, is_counted) AS compute_cost,
    any(spans.cost_currency) AS cost_currency,
    sumOrNullIf(spans.gpu_seconds, is_counted) AS gpu_seconds,
    sumOrNullIf(spans.energy_j, is_counted) AS energy_j
FROM spans FINAL
-- Before FINAL tells versions apart only by what all versions share: the key.
PREWHERE project = {project:String} AND trace_id IN {trace_ids:Array(String)}
WHERE spans.start_time >= fromUnixTimestamp64Nano({oldest_ns:Int64}, 'UTC') - INTERVAL 1 DAY
    AND spans.start_time <= fromUnixTimestamp64Nano({newest_ns:Int64}, 'UTC') + INTERVAL 1 DAY
GROUP BY trace_id
