-- Mean score by name in steps of {step_s} seconds, weighted by sampling.
SELECT
    toUnixTimestamp(toStartOfInterval(span_time, toIntervalSecond({step_s:UInt32}))) AS step,
    name,
    count() AS scores,
    sum(value * sample_weight) / sum(sample_weight) AS mean
-- include scores_of_selection
  AND value IS NOT NULL
  AND source = 'evaluator'
GROUP BY step, name
ORDER BY step, name
LIMIT 20000
