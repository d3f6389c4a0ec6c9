-- All scores given to the spans of one trace, the newest of each key.
SELECT
    project, trace_id, span_id,
    toUnixTimestamp64Nano(scores.span_time) AS span_time,
    evaluator,
    evaluator_version, name, author, source, value, label, explanation,
    arrayMap(offset -> (offset.1, offset.2, offset.3), scores.offsets) AS offsets,  -- unnamed: tuples, not dicts
    error_type,
    model, tenant, variant, duration_ns, cost, sample_weight, created_at, version, stored_at,
    expires_on
FROM scores FINAL
WHERE project = {project:String} AND trace_id = {trace_id:String}
ORDER BY created_at, name, evaluator
LIMIT 10000
