-- Rows of day_rollups for one day under {version}. Answers are those of overview_unscored.
SELECT
    {project:String} AS project, d.kind AS kind, {day:Date} AS day, segment, requests, errors,
    input_tokens, output_tokens, longest_prompt_tokens, list_cost, compute_cost, cost_currency,
    duration_ns, max_duration_ns, unscored, 0 AS is_valid, spans_expire_on, answers_expire_on,
    {version:UInt64} AS version, expires_on
FROM
(
    SELECT
        fact.1 AS kind,
        assumeNotNull(fact.2) AS segment,
        0 AS unscored,
        min(s.expires_on) AS spans_expire_on,
        spans_expire_on AS answers_expire_on,
        max(s.expires_on) AS expires_on,
        -- include segment_sums
    FROM
    (
        SELECT
            arrayJoin([
                ('user', user),
                ('session', session),
                ('tenant', toNullable(toString(tenant))),
                ('model', toNullable(toString(coalesce(response_model, request_model))))
            ]) AS fact,
            status_code, input_tokens, output_tokens, list_cost, compute_cost, cost_currency,
            spans.duration_ns, spans.expires_on
        -- include requests_of_day
    ) AS s
    WHERE fact.2 IS NOT NULL
    GROUP BY kind, segment
    UNION ALL
    SELECT
        'answers' AS kind, '' AS segment,
        countIf(is_answer AND NOT is_scored) AS unscored,
        min(a.expires_on) AS spans_expire_on,
        if(requests = 0, spans_expire_on, minIf(a.content_expires_on, is_answer)) AS answers_expire_on,
        max(a.expires_on) AS expires_on,
        countIf(is_answer) AS requests,
        0 AS errors, NULL AS input_tokens, NULL AS output_tokens, NULL AS longest_prompt_tokens,
        NULL AS list_cost, NULL AS compute_cost, NULL AS cost_currency, 0 AS duration_ns, 0 AS max_duration_ns
    FROM
    (
        SELECT
            (
                -- include judgeable
            ) AS is_answer,
            cityHash64(trace_id, span_id) IN (
                SELECT cityHash64(trace_id, span_id)
                FROM scores
                WHERE project = {project:String} AND _partition_id = {partition:String} AND source = 'evaluator'
            ) AS is_scored,
            spans.expires_on, content_expires_on
        -- include requests_of_day
    ) AS a
) AS d
