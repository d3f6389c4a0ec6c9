-- How many answers fell in each tenth of [0, 1], by score name.
SELECT
    name,
    least(toUInt8(floor(assumeNotNull(value) * 10)), 9) AS tenth,
    count() AS scores
-- include scores_of_selection
  AND value IS NOT NULL
  AND value BETWEEN 0 AND 1
GROUP BY name, tenth
ORDER BY name, tenth
LIMIT 2000
