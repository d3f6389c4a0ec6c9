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
  -- include periods_of_rollups
GROUP BY dimension, name
