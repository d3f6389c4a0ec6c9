-- Evaluations that failed, by evaluator and error.
SELECT
    evaluator,
    error_type,
    count() AS evaluations,
    max(created_at) AS last_at,
    argMax(substringUTF8(explanation, 1, 300), created_at) AS last_explanation,
    argMax(trace_id, created_at) AS last_trace_id
-- include scores_of_selection
  AND error_type IS NOT NULL
GROUP BY evaluator, error_type
ORDER BY evaluations DESC, evaluator, error_type
LIMIT 100
