-- Totals and histograms of counted requests by step, currency, and those of model, tenant and variant
-- that are asked for, from rollups: whole hours where no minute has to be read from spans, and single
-- minutes around them.
SELECT
    intDiv(toUnixTimestamp(r.period_start), {step_s:UInt32}) * {step_s:UInt32} AS step,
    if({by_model:Bool}, r.model, '') AS model,
    if({by_tenant:Bool}, r.tenant, '') AS tenant,
    if({by_variant:Bool}, r.variant, '') AS variant,
    r.currency AS currency,
    sum(r.requests) AS requests,
    sum(r.errors) AS errors,
    sumOrNull(r.input_tokens) AS input_tokens,
    sumOrNull(r.output_tokens) AS output_tokens,
    sumOrNull(r.cache_read_tokens) AS cache_read_tokens,
    sumOrNull(r.reasoning_tokens) AS reasoning_tokens,
    sum(r.without_tokens) AS without_tokens,
    sumOrNull(r.list_cost) AS list_cost,
    sum(r.without_list_cost) AS without_list_cost,
    sumOrNull(r.list_priced_tokens) AS list_priced_tokens,
    sumOrNull(r.compute_cost) AS compute_cost,
    sum(r.without_compute_cost) AS without_compute_cost,
    sumOrNull(r.compute_priced_tokens) AS compute_priced_tokens,
    sumOrNull(r.reported_cost) AS reported_cost,
    sumOrNull(r.gpu_seconds) AS gpu_seconds,
    sumOrNull(r.energy_j) AS energy_j,
    sum(r.without_energy) AS without_energy,
    sumMap(if({with_times:Bool}, r.duration_buckets, []), if({with_times:Bool}, r.duration_counts, [])) AS durations,
    sumMap(if({with_times:Bool}, r.first_chunk_buckets, []), if({with_times:Bool}, r.first_chunk_counts, [])) AS first_chunks
FROM rollups AS r FINAL
-- Before FINAL tells versions apart only by what all versions share, the key; the histograms of other
-- rows are not read.
PREWHERE project = {project:String}
  AND r.grouping = {grouping:String}
  AND
  -- include periods_of_rollups
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, r.model))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, r.tenant))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, r.variant))
GROUP BY step, model, tenant, variant, currency
