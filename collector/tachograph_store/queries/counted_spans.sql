-- The same from spans, each once: everything from {tail_ns} on, and {raw_minutes}. A client span that
-- has a proxy span as its child is not counted: both saw the same request. A histogram is how many
-- requests fell into each bucket, from 0 on.
SELECT
    intDiv(toUnixTimestamp(s.start_time), {step_s:UInt32}) * {step_s:UInt32} AS step,
    if({by_model:Bool}, coalesce(s.response_model, s.request_model, ''), '') AS model,
    if({by_tenant:Bool}, ifNull(s.tenant, ''), '') AS tenant,
    if({by_variant:Bool}, ifNull(s.variant, ''), '') AS variant,
    ifNull(s.cost_currency, '') AS currency,
    count() AS requests,
    countIf(s.status_code = 'ERROR') AS errors,
    sumOrNull(s.input_tokens) AS input_tokens,
    sumOrNull(s.output_tokens) AS output_tokens,
    sumOrNull(s.cache_read_tokens) AS cache_read_tokens,
    sumOrNull(s.reasoning_tokens) AS reasoning_tokens,
    countIf(s.input_tokens IS NULL OR s.output_tokens IS NULL) AS without_tokens,
    sumOrNull(s.list_cost) AS list_cost,
    countIf(s.list_cost IS NULL) AS without_list_cost,
    sumOrNullIf(ifNull(s.input_tokens, 0) + ifNull(s.output_tokens, 0), s.list_cost IS NOT NULL) AS list_priced_tokens,
    sumOrNull(s.compute_cost) AS compute_cost,
    countIf(s.compute_cost IS NULL) AS without_compute_cost,
    sumOrNullIf(ifNull(s.input_tokens, 0) + ifNull(s.output_tokens, 0), s.compute_cost IS NOT NULL) AS compute_priced_tokens,
    sumOrNull(s.reported_cost) AS reported_cost,
    sumOrNull(s.gpu_seconds) AS gpu_seconds,
    sumOrNull(s.energy_j) AS energy_j,
    countIf(s.energy_j IS NULL) AS without_energy,
    countResampleIf(0, 1001, 1)(
        toUInt16(if(toFloat64(s.duration_ns) < 1, 0, least(1000, 1 + floor(log(toFloat64(s.duration_ns)) / log(1.04))))),
        {with_times:Bool}
    ) AS durations,
    countResampleIf(0, 1001, 1)(
        toUInt16(if(ifNull(s.time_to_first_chunk_s, 0) * 1e9 < 1, 0, least(1000, 1 + floor(log(ifNull(s.time_to_first_chunk_s, 0) * 1e9) / log(1.04))))),
        {with_times:Bool} AND s.time_to_first_chunk_s IS NOT NULL
    ) AS first_chunks
FROM spans AS s FINAL
WHERE project = {project:String}
  AND s.start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND s.start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND
  (
      s.start_time >= fromUnixTimestamp64Nano({tail_ns:Int64}, 'UTC')
      OR toStartOfMinute(s.start_time) IN (SELECT toDateTime(arrayJoin({raw_minutes:Array(UInt32)}), 'UTC'))
  )
  AND s.is_counted
  AND s.expires_on >= toDate('2000-01-01')  -- an earlier day is the mark of the forgotten
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(s.response_model, s.request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(s.tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(s.variant, '')))
  AND (s.observer != 'client' OR (s.trace_id, s.span_id) NOT IN
  (
      -- include proxied_calls
        AND
        (
            start_time >= fromUnixTimestamp64Nano({child_tail_ns:Int64}, 'UTC')
            OR toStartOfMinute(start_time) IN (SELECT toDateTime(arrayJoin({raw_minutes:Array(UInt32)}) + 60 * arrayJoin(range({child_minutes:UInt32})) - {child_early_s:UInt32}, 'UTC'))
        )
        AND {has_doubles:Bool}
  ))
GROUP BY step, model, tenant, variant, currency
