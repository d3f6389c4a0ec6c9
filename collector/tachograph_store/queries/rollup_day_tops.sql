-- Rows of day_rollups for the traces with the most of something in one day, under {version}: {depth} for each
-- order of traces_found, at the foremost request of each. `requests` are those among which the traces were
-- told apart: {looked_at}, unless the day has fewer.
SELECT
    {project:String} AS project, f.kind AS kind, {day:Date} AS day, trace_id AS segment, requests, place,
    start_time, spans_expire_on, spans_expire_on AS answers_expire_on, {version:UInt64} AS version,
    spans_expire_on AS expires_on
FROM
(
    SELECT
        s.kind AS kind, trace_id, place, s.start_time AS start_time, spans_expire_on,
        count() OVER (PARTITION BY s.kind) AS requests
    FROM
    (
        (
            SELECT 'slowest' AS kind, trace_id, start_time, toFloat64(spans.duration_ns) AS place, spans.expires_on AS spans_expire_on
            -- include requests_of_day
            ORDER BY place DESC, start_time DESC
            LIMIT {looked_at:UInt32}
        )
        UNION ALL
        (
            SELECT 'dearest' AS kind, trace_id, start_time, toFloat64(coalesce(list_cost, compute_cost, 0)) AS place, spans.expires_on AS spans_expire_on
            -- include requests_of_day
            ORDER BY place DESC, start_time DESC
            LIMIT {looked_at:UInt32}
        )
        UNION ALL
        (
            SELECT 'longest_prompt' AS kind, trace_id, start_time, toFloat64(ifNull(input_tokens, 0)) AS place, spans.expires_on AS spans_expire_on
            -- include requests_of_day
            ORDER BY place DESC, start_time DESC
            LIMIT {looked_at:UInt32}
        )
        UNION ALL
        (
            SELECT 'most_tokens' AS kind, trace_id, start_time, toFloat64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0)) AS place, spans.expires_on AS spans_expire_on
            -- include requests_of_day
            ORDER BY place DESC, start_time DESC
            LIMIT {looked_at:UInt32}
        )
    ) AS s
    ORDER BY kind, place DESC, start_time DESC, trace_id
    LIMIT 1 BY kind, trace_id
) AS f
ORDER BY kind, place DESC, start_time DESC, trace_id
LIMIT {depth:UInt32} BY kind
