-- Model calls that ran beside one span on the same engine (where it is not known: of the same
-- service), those that shared the most time with it first. A call is looked for from an hour before
-- the span on. What a call was doing while the span ran is told from its own phases.
SELECT
    trace_id, span_id, start_time, duration_ns, model, tenant, status_code, input_tokens,
    output_tokens, queue_s, prefill_s, prefill_start_time, shared_ns, shared_prefill_s, shared_decode_s, total
FROM
(
    SELECT
        trace_id,
        span_id,
        toUnixTimestamp64Nano(s.start_time) AS start_time,
        s.duration_ns AS duration_ns,
        coalesce(response_model, request_model) AS model,
        tenant,
        status_code,
        input_tokens,
        output_tokens,
        queue_s,
        coalesce(s.prefill_s, s.time_to_first_chunk_s - ifNull(s.queue_s, 0)) AS prefill_s,
        start_time + toInt64(1e9 * coalesce(s.time_to_first_chunk_s, s.duration_ns / 1e9 - s.decode_s, ifNull(s.queue_s, 0) + ifNull(prefill_s, 0))) AS prefill_to,
        prefill_to - toInt64(ifNull(prefill_s, 0) * 1e9) AS prefill_from,
        if(prefill_s IS NULL, NULL, prefill_from) AS prefill_start_time,
        toUInt64(least(start_time + toInt64(s.duration_ns), {stop_ns:Int64}) - greatest(start_time, {start_ns:Int64})) AS shared_ns,
        if(prefill_s IS NULL, NULL, greatest(0, least(prefill_to, {stop_ns:Int64}) - greatest(prefill_from, {start_ns:Int64})) / 1e9) AS shared_prefill_s,
        if(prefill_s IS NULL, NULL, greatest(0, least(start_time + toInt64(s.duration_ns), {stop_ns:Int64}) - greatest(prefill_to, {start_ns:Int64})) / 1e9) AS shared_decode_s,
        count() OVER () AS total
    FROM spans AS s FINAL
    WHERE project = {project:String}
        AND s.start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC') - INTERVAL 1 HOUR
        AND s.start_time < fromUnixTimestamp64Nano({stop_ns:Int64}, 'UTC')
        AND toUnixTimestamp64Nano(s.start_time) + toInt64(s.duration_ns) > {start_ns:Int64}
        AND is_counted
        AND service_name = {service_name:String}
        AND service_instance_id = {instance:String}
        AND NOT (trace_id = {trace_id:String} AND span_id = {span_id:String})
)
ORDER BY shared_ns DESC, start_time, span_id
LIMIT {limit:UInt32}
