-- Sums over all answers that an evaluator judged, by evaluator, version and score name.
SELECT
    evaluator,
    evaluator_version AS version,
    name,
    count() AS answers,
    sum(sample_weight) AS w,
    sum(sample_weight * assumeNotNull(value)) AS wf,
    sum(sample_weight * sample_weight) AS ww,
    sum(sample_weight * sample_weight * assumeNotNull(value)) AS wwf,
    sum(sample_weight * sample_weight * assumeNotNull(value) * assumeNotNull(value)) AS wwff,
    max(created_at) AS last_at
-- include scores_of_selection
  AND source = 'evaluator'
  AND value IS NOT NULL
GROUP BY evaluator, version, name
ORDER BY evaluator, name, last_at DESC
LIMIT 500
