-- Tenants, users, models or sessions with the most of something, over counted requests: of the days that
-- were added up from their totals, the others from spans, where days that lie in the range as a whole
-- are read without the time of each.
SELECT
    t.segment AS segment,
    sum(t.requests) AS requests,
    sum(t.errors) AS errors,
    sumOrNull(t.input_tokens) AS input_tokens,
    sumOrNull(t.output_tokens) AS output_tokens,
    maxOrNull(t.longest_prompt_tokens) AS longest_prompt_tokens,
    sumOrNull(t.list_cost) AS list_cost,
    sumOrNull(t.compute_cost) AS compute_cost,
    any(t.cost_currency) AS cost_currency,
    sum(t.duration_ns) / requests / 1e9 AS mean_duration_s,
    max(t.max_duration_ns) AS max_duration_ns
FROM
(
    SELECT
        d.segment AS segment, requests, errors, input_tokens, output_tokens, longest_prompt_tokens,
        list_cost, compute_cost, cost_currency, duration_ns, max_duration_ns
    FROM day_rollups AS d
    WHERE project = {project:String}
        AND kind = {by:String}
        AND day IN {days:Array(Date)}
        AND (day, d.version) IN (SELECT arrayJoin(arrayZip({days:Array(Date)}, {versions:Array(UInt64)})))
    UNION ALL
    SELECT
        assumeNotNull(s.fact) AS segment,
        -- include segment_sums
    FROM
    (
        SELECT
            -- nested: of multiIf, the columns of every branch would be read
            if({by:String} = 'tenant', toNullable(toString(tenant)),
                if({by:String} = 'user', user,
                    if({by:String} = 'session', session, toNullable(toString(coalesce(response_model, request_model))))
                )
            ) AS fact,
            status_code, input_tokens, output_tokens, list_cost, compute_cost, cost_currency, duration_ns
        FROM
        (
            SELECT *
            FROM spans FINAL
            WHERE project = {project:String}
                AND _partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}
                AND _partition_id NOT IN {known_partitions:Array(String)}
            UNION ALL
            SELECT *
            FROM spans FINAL
            WHERE project = {project:String}
                AND NOT (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String})
                AND start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
                AND start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
        )
        WHERE is_counted
            AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
            AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
            AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
    ) AS s
    WHERE fact IS NOT NULL
    GROUP BY segment
) AS t
GROUP BY segment
ORDER BY
    multiIf(
        {order:String} = 'slowest', mean_duration_s,
        {order:String} = 'dearest', toFloat64(coalesce(list_cost, compute_cost, 0)),
        {order:String} = 'longest_prompt', toFloat64(ifNull(longest_prompt_tokens, 0)),
        toFloat64(ifNull(input_tokens, 0) + ifNull(output_tokens, 0))
    ) DESC,
    requests DESC,
    segment
LIMIT {limit:UInt32}
