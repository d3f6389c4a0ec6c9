-- The weighted mean of the scores of one name that were given in a window, each evaluator's and
-- person's latest word on an answer; answers older than `oldest_ns` (a backfill) are left out.
SELECT
    if(samples = 0, NULL, sum(judgement.1 * judgement.2) / sum(judgement.2)) AS mean,
    count() AS samples
FROM
(
    -- A tuple: argMax alone would pass over a NULL, and with it over a withdrawn value.
    SELECT argMax((value, sample_weight), (created_at, version)) AS judgement
    FROM scores
    WHERE project = {project:String}
      AND span_time >= fromUnixTimestamp64Nano({oldest_ns:Int64}, 'UTC')
      AND created_at >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
      AND created_at < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
      AND name = {name:String}
      AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
      AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
      AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
    GROUP BY trace_id, span_id, evaluator, author
)
WHERE judgement.1 IS NOT NULL AND judgement.2 > 0
