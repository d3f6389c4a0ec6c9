-- How long a prompt token and an output token take on this engine when little is in the way: the
-- tenth percentile over the model's calls of the hour before (at most 20,000, the newest).
SELECT
    count() AS calls,
    quantileOrNull(0.1)(prefill / prompt_tokens) AS prefill_s_per_token,
    quantileOrNull(0.1)(decode / answer_tokens) AS decode_s_per_token
FROM
(
    SELECT
        coalesce(s.prefill_s, s.time_to_first_chunk_s - ifNull(s.queue_s, 0)) AS prefill,
        coalesce(s.decode_s, duration_ns / 1e9 - s.time_to_first_chunk_s) AS decode,
        nullIf(greatest(0, input_tokens - ifNull(cache_read_tokens, 0)), 0) AS prompt_tokens,
        nullIf(greatest(0, output_tokens - 1), 0) AS answer_tokens
    FROM spans AS s FINAL
    WHERE project = {project:String}
        AND start_time >= fromUnixTimestamp64Nano({start_ns:Int64}, 'UTC') - INTERVAL 1 HOUR
        AND start_time < fromUnixTimestamp64Nano({stop_ns:Int64}, 'UTC')
        AND is_counted
        AND status_code != 'ERROR'
        AND service_name = {service_name:String}
        AND service_instance_id = {instance:String}
        AND coalesce(response_model, request_model, '') = {model:String}
    ORDER BY start_time DESC
    LIMIT 20000
)
