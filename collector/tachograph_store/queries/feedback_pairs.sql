-- Answers that people and an evaluator judged: their labels side by side. People are scores of source
-- human, and thumbs that came by the SDK; a label on the caller's span of a request stands for the proxy's
-- span, which is the one that is judged. A label is about the whole answer (thumbs) or about one score.
WITH labels AS
(
    SELECT
        trace_id,
        span_id,
        name,
        avg(assumeNotNull(value)) AS label,
        max(sample_weight) AS label_weight,
        max(created_at) AS labelled_at
    -- include scores_of_selection
      AND (source = 'human' OR (source = 'api' AND name = 'thumbs'))
      AND value IS NOT NULL
      AND trace_id != ''
    GROUP BY trace_id, span_id, name
    ORDER BY labelled_at DESC
    LIMIT 20000
),
links AS
(
    SELECT trace_id, span_id AS labelled_id, span_id AS judged_id FROM labels
    UNION DISTINCT
    SELECT trace_id, parent_span_id AS labelled_id, span_id AS judged_id
    FROM spans
    WHERE project = {project:String}
      AND observer = 'proxy'
      AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
      AND (trace_id, parent_span_id) IN (SELECT trace_id, span_id FROM labels)
)
SELECT
    judged.evaluator AS evaluator,
    judged.evaluator_version AS version,
    judged.name AS name,
    labels.name AS about,
    any(labels.label) AS label,
    any(assumeNotNull(judged.value)) AS score,
    any(judged.sample_weight) AS score_weight,
    max(labels.label_weight) AS label_weight
FROM labels
INNER JOIN links ON links.trace_id = labels.trace_id AND links.labelled_id = labels.span_id
INNER JOIN
(
    SELECT trace_id, span_id, evaluator, evaluator_version, name, value, sample_weight
    FROM scores FINAL
    WHERE project = {project:String}
      AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND trace_id IN (SELECT trace_id FROM labels)
      AND source = 'evaluator'
      AND value IS NOT NULL
) AS judged ON judged.trace_id = links.trace_id AND judged.span_id = links.judged_id
WHERE labels.name = 'thumbs' OR labels.name = judged.name
GROUP BY evaluator, version, name, about, judged.trace_id, judged.span_id
LIMIT 200000
