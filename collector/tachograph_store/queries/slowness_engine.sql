-- What the engine said of itself around a call: the fullest its KV cache was (a share), requests put
-- back for want of it, the most that waited.
SELECT
    maxOrNullIf(highest, is_cache) AS kv_cache_ratio,
    sumOrNullIf(greatest(0, newest - oldest), is_preemption) AS preemptions,
    maxOrNullIf(highest, is_waiting) AS waiting
FROM
(
    SELECT
        name,
        name IN ('vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'sglang:token_usage', 'llamacpp:kv_cache_usage_ratio') AS is_cache,
        name IN ('vllm:num_preemptions_total', 'sglang:num_retracted_reqs_total', 'sglang:num_retracted_requests_total') AS is_preemption,
        name IN ('vllm:num_requests_waiting', 'sglang:num_queue_reqs', 'llamacpp:requests_deferred', 'tgi_queue_size') AS is_waiting,
        max(value) AS highest,
        argMin(value, time) AS oldest,
        argMax(value, time) AS newest
    FROM engine_readings FINAL
    WHERE project = {project:String}
        AND instance = {instance:String}
        AND name IN (
            'vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'sglang:token_usage', 'llamacpp:kv_cache_usage_ratio',
            'vllm:num_preemptions_total', 'sglang:num_retracted_reqs_total', 'sglang:num_retracted_requests_total',
            'vllm:num_requests_waiting', 'sglang:num_queue_reqs', 'llamacpp:requests_deferred', 'tgi_queue_size')
        AND time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
        AND time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
    GROUP BY name, labels_hash
)
