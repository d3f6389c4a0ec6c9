-- Answers that began in a range and lack an evaluation: no score, no lease, or one that no rule wanted.
-- Those that sampling left out stay out: a second chance would spoil the weights.
WITH answers AS
(
    SELECT
        trace_id,
        span_id,
        toUnixTimestamp64Nano(start_time) AS start_ns,
        toUnixTimestamp64Micro(stored_at) AS stored_us,
        length(ifNull(prompt, '')) + length(ifNull(completion, '')) + length(ifNull(context, '')) AS text_bytes,
        coalesce(response_model, request_model) AS model,
        tenant,
        operation
    FROM spans FINAL
    WHERE project = {project:String}
      AND toStartOfMinute(start_time) >= toStartOfMinute(fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
      AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND is_counted
      AND (
          -- include judgeable
      )
),
known AS
(
    -- include evaluations_of_range
      AND state != 'done'
      AND NOT (state = 'skipped' AND sample_rate = 0)
)
SELECT
    {project:String} AS project,
    answers.trace_id AS trace_id,
    answers.span_id AS span_id,
    answers.start_ns AS start_ns,
    answers.stored_us AS stored_us,
    answers.text_bytes AS text_bytes,
    answers.model AS model,
    answers.tenant AS tenant,
    answers.operation AS operation,
    groups.evaluators AS evaluators
FROM answers
LEFT JOIN
(
    SELECT trace_id, span_id, groupUniqArray(judge) AS evaluators
    FROM known
    GROUP BY trace_id, span_id
) AS groups ON groups.trace_id = answers.trace_id AND groups.span_id = answers.span_id
WHERE NOT hasAll(groups.evaluators, {evaluators:Array(String)})
ORDER BY start_ns, trace_id, span_id
LIMIT {limit:UInt32}
