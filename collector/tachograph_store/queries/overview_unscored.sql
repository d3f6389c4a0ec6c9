-- How many judgeable answers of the range have no score by an evaluator yet.
-- Days that lie in the range as a whole are asked for by their names ({is_whole}), but for those that
-- were added up.
-- Spans are compared by a hash of 64 bits: several times as fast as two strings, and exact in practice.
SELECT
    count() AS answers,
    countIf(cityHash64(trace_id, span_id) NOT IN (
        SELECT cityHash64(trace_id, span_id)
        FROM scores
        WHERE project = {project:String}
          AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
          AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
          AND (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}) = {is_whole:Bool}
          AND _partition_id NOT IN {known_partitions:Array(String)}
          AND source = 'evaluator'
    )) AS unscored
FROM spans FINAL
WHERE project = {project:String}
  AND (_partition_id >= {whole_from:String} AND _partition_id < {whole_until:String}) = {is_whole:Bool}
  AND _partition_id NOT IN {known_partitions:Array(String)}
  AND ({is_whole:Bool} OR start_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC'))
  AND ({is_whole:Bool} OR start_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC'))
  AND is_counted
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, coalesce(response_model, request_model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND (
      -- include judgeable
  )
