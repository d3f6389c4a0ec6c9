-- How many answers fell in each tenth of [0, 1], by score name.
SELECT
    name,
    least(toUInt8(floor(assumeNotNull(value) * 10)), 9) AS tenth,
    count() AS scores
FROM scores FINAL
WHERE project = {project:String}
  AND span_time >= fromUnixTimestamp64Nano({since_ns:Int64}, 'UTC')
  AND span_time < fromUnixTimestamp64Nano({until_ns:Int64}, 'UTC')
  AND (empty({models:Array(String)}) OR has({models:Array(String)}, ifNull(model, '')))
  AND (empty({tenants:Array(String)}) OR has({tenants:Array(String)}, ifNull(tenant, '')))
  AND (empty({variants:Array(String)}) OR has({variants:Array(String)}, ifNull(variant, '')))
  AND value IS NOT NULL
  AND value BETWEEN 0 AND 1
GROUP BY name, tenth
ORDER BY name, tenth
LIMIT 2000
