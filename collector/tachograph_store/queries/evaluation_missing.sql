-- The anti-join: answers stored in a window that have no score of an evaluator and no open lease.
-- include undecided_answers
SELECT
    answers.trace_id AS trace_id,
    answers.span_id AS span_id,
    answers.start_ns AS start_ns,
    answers.stored_us AS stored_us,
    answers.text_bytes AS text_bytes,
    {project:String} AS project,
    answers.last_model AS model,
    answers.last_tenant AS tenant,
    answers.last_operation AS operation,
    arrayConcat(judged.evaluators, leases.evaluators) AS evaluators
FROM answers
LEFT JOIN
(
    SELECT
        trace_id,
        span_id,
        groupUniqArray(concat(evaluator, '@', evaluator_version)) AS evaluators
    FROM scores
    WHERE project = {project:String}
      AND source = 'evaluator'
      AND span_time >= fromUnixTimestamp64Nano(ifNull((SELECT min(start_ns) FROM answers), 0), 'UTC')
      AND span_time <= fromUnixTimestamp64Nano(ifNull((SELECT max(start_ns) FROM answers), 0), 'UTC')
    GROUP BY trace_id, span_id
) AS judged ON judged.trace_id = answers.trace_id AND judged.span_id = answers.span_id
LEFT JOIN
(
    SELECT
        trace_id,
        span_id,
        groupUniqArray(concat(evaluator, '@', evaluator_version)) AS evaluators
    FROM jobs FINAL
    WHERE project = {project:String}
      AND kind = 'evaluation'
      AND state != 'done'
    GROUP BY trace_id, span_id
) AS leases ON leases.trace_id = answers.trace_id AND leases.span_id = answers.span_id
WHERE NOT hasAll(arrayConcat(judged.evaluators, leases.evaluators), {evaluators:Array(String)})
ORDER BY stored_us, trace_id, span_id
LIMIT {limit:UInt32}
