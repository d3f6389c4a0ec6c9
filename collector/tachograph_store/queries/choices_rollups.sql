-- Requests of each model, tenant and variant, from the groupings of rollups that tell these apart alone:
-- whole hours where no minute has to be read from spans, and single minutes around them.
SELECT
    r.grouping AS dimension,
    multiIf(r.grouping = 'model', r.model, r.grouping = 'tenant', r.tenant, r.variant) AS name,
    sum(r.requests) AS requests
FROM rollups AS r FINAL
-- Before FINAL tells versions apart only by what all versions share, the key.
PREWHERE project = {project:String}
  AND r.grouping IN ('model', 'tenant', 'variant')
  AND
  (
      (
          r.period_s = 3600
          AND r.period_start >= toDateTime({hours_since_s:UInt32}, 'UTC')
          AND r.period_start < toDateTime({hours_until_s:UInt32}, 'UTC')
          AND NOT has({raw_hours:Array(UInt32)}, toUnixTimestamp(r.period_start))
      )
      OR
      (
          r.period_s = 60
          AND r.period_start >= toDateTime({minutes_since_s:UInt32}, 'UTC')
          AND r.period_start < toDateTime({minutes_until_s:UInt32}, 'UTC')
          AND NOT has({raw_minutes:Array(UInt32)}, toUnixTimestamp(r.period_start))
          AND
          (
              r.period_start < toDateTime({hours_since_s:UInt32}, 'UTC')
              OR r.period_start >= toDateTime({hours_until_s:UInt32}, 'UTC')
              OR has({raw_hours:Array(UInt32)}, toUnixTimestamp(toStartOfHour(r.period_start)))
          )
      )
  )
GROUP BY dimension, name
