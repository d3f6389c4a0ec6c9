-- Answers whose text came in events beside them, in log records, and that lack an evaluator: those of
-- one project whose events were stored in a window, the oldest first. A lease is enough not to lack it;
-- with {reads_scores} only one that is still open, or a score.
WITH
    told AS
    (
        SELECT
            trace_id,
            parent_span_id AS answer_id,
            toUnixTimestamp64Micro(max(stored_at)) AS told_us,
            sum(length(ifNull(prompt, '')) + length(ifNull(completion, ''))) AS told_bytes
        FROM spans
        WHERE project = {project:String}
          AND stored_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')
          AND stored_at < fromUnixTimestamp64Micro({until_us:Int64}, 'UTC')
          AND name IN {events:Array(String)}
          AND NOT is_counted
          AND parent_span_id != ''
        GROUP BY trace_id, answer_id
        HAVING max(ifNull(completion, '') != '')
    ),
    answers AS
    (
        SELECT
            trace_id,
            span_id,
            argMax(toUnixTimestamp64Nano(start_time), version) AS start_ns,
            argMax(is_counted AND ifNull(completion, '') = '' AND operation IN {operations:Array(String)}
                AND status_code != 'ERROR', version) AS is_told,
            argMax(observer, version) AS seen_by,
            argMax(coalesce(response_model, request_model), version) AS last_model,
            argMax(tenant, version) AS last_tenant,
            argMax(operation, version) AS last_operation
        FROM spans
        WHERE project = {project:String}
          AND start_time >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') - INTERVAL 1 DAY
          AND trace_id IN (SELECT trace_id FROM told)
          AND (trace_id, span_id) IN (SELECT trace_id, answer_id FROM told)
        GROUP BY trace_id, span_id
        HAVING is_told
           AND (seen_by != 'client' OR (trace_id, span_id) NOT IN
           (
               SELECT trace_id, parent_span_id
               FROM spans
               WHERE project = {project:String}
                 AND start_time >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') - INTERVAL 1 DAY
                 AND trace_id IN (SELECT trace_id FROM told)
                 AND observer = 'proxy'
           ))
    )
SELECT
    {project:String} AS project,
    answers.trace_id AS trace_id,
    answers.span_id AS span_id,
    answers.start_ns AS start_ns,
    told.told_us AS stored_us,
    told.told_bytes AS text_bytes,
    answers.last_model AS model,
    answers.last_tenant AS tenant,
    answers.last_operation AS operation,
    decided.evaluators AS evaluators
FROM answers
INNER JOIN told ON told.trace_id = answers.trace_id AND told.answer_id = answers.span_id
LEFT JOIN
(
    SELECT trace_id, span_id, groupUniqArray(evaluation) AS evaluators
    FROM
    (
        SELECT trace_id, span_id, concat(evaluator, '@', evaluator_version) AS evaluation
        FROM jobs FINAL
        WHERE project = {project:String}
          AND kind = 'evaluation'
          AND created_at >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') - INTERVAL 1 DAY
          AND trace_id IN (SELECT trace_id FROM told)
          AND (NOT {reads_scores:Bool} OR state != 'done')
        UNION ALL
        SELECT trace_id, span_id, concat(evaluator, '@', evaluator_version) AS evaluation
        FROM scores FINAL
        WHERE {reads_scores:Bool}
          AND project = {project:String}
          AND source = 'evaluator'
          AND span_time >= fromUnixTimestamp64Micro({since_us:Int64}, 'UTC') - INTERVAL 1 DAY
          AND trace_id IN (SELECT trace_id FROM told)
    )
    GROUP BY trace_id, span_id
) AS decided ON decided.trace_id = answers.trace_id AND decided.span_id = answers.span_id
WHERE NOT hasAll(decided.evaluators, {evaluators:Array(String)})
ORDER BY stored_us, trace_id, span_id
LIMIT {limit:UInt32}
