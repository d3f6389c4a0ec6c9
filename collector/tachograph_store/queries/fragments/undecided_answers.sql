-- Answers stored in a window that may be judged; of every project when {project} is '', each from its own
-- instant on, those that are not listed from {since_us}. A client span whose request a proxy span also
-- reports is left out: the proxy's answer is the one judged.
WITH answers AS
(
    SELECT
        project,
        trace_id,
        span_id,
        argMax(toUnixTimestamp64Nano(start_time), version) AS start_ns,
        toUnixTimestamp64Micro(max(stored_at)) AS stored_us,
        argMax(length(ifNull(prompt, '')) + length(ifNull(completion, '')) + length(ifNull(context, '')), version) AS text_bytes,
        argMax(is_counted AND ifNull(completion, '') != '' AND operation IN {operations:Array(String)}
            AND status_code != 'ERROR', version) AS is_judgeable,
        argMax(observer, version) AS seen_by,
        argMax(coalesce(response_model, request_model), version) AS last_model,
        argMax(tenant, version) AS last_tenant,
        argMax(operation, version) AS last_operation
    FROM spans
    WHERE ({project:String} = '' OR project = {project:String})
      AND stored_at >= fromUnixTimestamp64Micro({oldest_us:Int64}, 'UTC')
      AND stored_at >= fromUnixTimestamp64Micro(
          transform(project, {projects:Array(String)}, {sinces_us:Array(Int64)}, {since_us:Int64}), 'UTC')
      AND stored_at < fromUnixTimestamp64Micro({until_us:Int64}, 'UTC')
      AND operation IN {operations:Array(String)}
    GROUP BY project, trace_id, span_id
    HAVING is_judgeable
       AND (seen_by != 'client' OR (project, trace_id, span_id) NOT IN
       (
           SELECT project, trace_id, parent_span_id
           FROM spans
           WHERE ({project:String} = '' OR project = {project:String})
             AND stored_at >= fromUnixTimestamp64Micro({oldest_us:Int64}, 'UTC')
             AND observer = 'proxy'
       ))
)
