-- All scores given to the spans of one trace, the newest of each key. A score that came before the
-- span whose response it names still has no trace, and the response's id for a span.
WITH responses AS
(
    SELECT assumeNotNull(response_id) AS response_id, any(spans.span_id) AS answered_by
    FROM spans
    WHERE project = {project:String} AND trace_id = {trace_id:String} AND response_id IS NOT NULL
    GROUP BY response_id
)
SELECT
    project,
    {trace_id:String} AS trace_id,
    if(scores.trace_id = '', responses.answered_by, scores.span_id) AS span_id,
    toUnixTimestamp64Nano(scores.span_time) AS span_time,
    evaluator,
    evaluator_version, name, author, source, value, label, explanation,
    arrayMap(offset -> (offset.1, offset.2, offset.3), scores.offsets) AS offsets,  -- unnamed: tuples, not dicts
    error_type,
    model, tenant, variant, duration_ns, cost, sample_weight, created_at, version, stored_at,
    expires_on
FROM
(
    SELECT *
    FROM scores FINAL
    WHERE project = {project:String}
      AND scores.trace_id IN ['', {trace_id:String}]  -- the index knows both; behind OR it knows none
      AND (scores.trace_id = {trace_id:String}
          OR (scores.trace_id = '' AND scores.span_id IN (SELECT response_id FROM responses)))
) AS scores
LEFT JOIN responses ON responses.response_id = scores.span_id
ORDER BY created_at, name, evaluator
LIMIT 10000
