-- What each version of an evaluator (and people) said, by score name; `below` counts values under 0.5.
-- An evaluator says a thing of a span once, so that its scores are counted; of others' the spans are
-- told apart, by a hash of 64 bits: reading the ids of all would be half of the work.
SELECT
    evaluator,
    name,
    source,
    if(source = 'evaluator', count(), uniqExactIf(span, source != 'evaluator')) AS answers,
    countIf(value IS NOT NULL) AS valued,
    if(valued = 0, NULL, sumIf(assumeNotNull(value) * sample_weight, value IS NOT NULL)
        / sumIf(sample_weight, value IS NOT NULL)) AS mean,
    quantileOrNull(0.05)(value) AS low,
    quantileOrNull(0.5)(value) AS median,
    countIf(value < {threshold:Float64}) AS below,
    countIf(error_type IS NOT NULL) AS errors,
    countIf(value IS NULL AND error_type IS NULL) AS not_applicable,
    quantileOrNull(0.5)(duration_ns) AS duration_ns,
    evaluator_version AS version
FROM
(
    SELECT
        evaluator, evaluator_version, name, source, value, sample_weight, error_type, duration_ns, created_at,
        0 AS span
    FROM scores FINAL
    WHERE project = {project:String}
      AND source = 'evaluator'
      AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
      AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
      AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
    UNION ALL
    SELECT
        evaluator, evaluator_version, name, source, value, sample_weight, error_type, duration_ns, created_at,
        cityHash64(trace_id, span_id) AS span
    FROM scores FINAL
    -- Before FINAL tells versions apart only by what all versions share, the key.
    PREWHERE project = {project:String}
      AND evaluator IN
      (
          SELECT evaluator
          FROM scores
          WHERE project = {project:String}
            AND source != 'evaluator'
            AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
            AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      )
    WHERE source != 'evaluator'
      AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
      AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
      AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
)
GROUP BY evaluator, evaluator_version, name, source
ORDER BY source, evaluator, name, max(created_at) DESC, version
LIMIT 500
