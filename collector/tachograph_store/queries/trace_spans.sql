-- All spans of some traces, content included, the newest version of each, in order of start; only
-- those named by trace id and span id joined where {spans} is not empty.
SELECT
    project, trace_id, span_id, parent_span_id,
    toUnixTimestamp64Nano(spans.start_time) AS start_time,
    duration_ns, name, kind, status_code, status_message, service_name,
    service_instance_id, scope_name, scope_version, observer, request_id, is_counted, operation,
    provider, request_model, response_model, response_id, finish_reasons, error_type,
    is_streaming, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
    reasoning_tokens, time_to_first_chunk_s, time_per_output_chunk_s, chunk_count, gap_p50_s,
    gap_p95_s, gap_max_s, engine_time_to_first_token_s, queue_s, prefill_s, decode_s, tenant,
    tenant_source, user, session, variant, list_cost, compute_cost, reported_cost,
    cost_currency, engine_seconds, gpu_seconds, energy_j, energy_error_j, attribution_method,
    prompt, completion, context, truncated, attributes, resource_attributes,
    arrayMap(time -> toUnixTimestamp64Nano(time), spans.event_times) AS event_times,
    event_names,
    event_attributes, link_trace_ids, link_span_ids, content_hash, version, stored_at,
    expires_on, content_expires_on, booked_by, booked_block, booked_source
FROM spans FINAL
WHERE project = {project:String}
    AND trace_id IN {trace_ids:Array(String)}
    AND (empty({spans:Array(String)}) OR concat(trace_id, span_id) IN {spans:Array(String)})
ORDER BY start_time, span_id
LIMIT {limit:UInt32}
