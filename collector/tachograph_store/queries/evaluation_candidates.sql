-- Answers that lack a lease for at least one evaluator, oldest first.
-- include undecided_answers
SELECT
    answers.project AS project,
    answers.trace_id AS trace_id,
    answers.span_id AS span_id,
    answers.start_ns AS start_ns,
    answers.stored_us AS stored_us,
    answers.text_bytes AS text_bytes,
    answers.last_model AS model,
    answers.last_tenant AS tenant,
    answers.last_operation AS operation,
    leases.evaluators AS evaluators
FROM answers
LEFT JOIN
(
    SELECT
        project,
        trace_id,
        span_id,
        groupUniqArray(concat(evaluator, '@', evaluator_version)) AS evaluators
    FROM jobs
    WHERE ({project:String} = '' OR project = {project:String})
      AND kind = 'evaluation'
      AND created_at >= fromUnixTimestamp64Nano(ifNull((SELECT min(start_ns) FROM answers), 0), 'UTC') - INTERVAL 1 SECOND
      AND created_at <= fromUnixTimestamp64Nano(ifNull((SELECT max(start_ns) FROM answers), 0), 'UTC')
      AND (project, trace_id, span_id) IN (SELECT project, trace_id, span_id FROM answers)
    GROUP BY project, trace_id, span_id
) AS leases ON leases.project = answers.project AND leases.trace_id = answers.trace_id AND leases.span_id = answers.span_id
WHERE NOT hasAll(leases.evaluators, {evaluators:Array(String)})
ORDER BY stored_us, trace_id, span_id
LIMIT {limit:UInt32} BY project
LIMIT 100000
