-- Spans about to leave, by the source under which they counted as stored: those whose day of expiry lies
-- in a range. `waiting` are rows that their books have not entered yet; such rows of a day ago and older
-- belong to books that are gone, and were never counted.
WITH
    (
        SELECT mapFromArrays(groupArray(collector), groupArray(block))
        FROM
        (
            SELECT collector, argMax(count, version) AS block
            FROM ledger
            WHERE project = {project:String} AND sequence = 0 AND outcome = 'block'
            GROUP BY collector
        )
    ) AS blocks
SELECT
    booked_source AS source,
    countIf(booked_block < blocks[booked_by]) AS entered,
    countIf(booked_block >= blocks[booked_by] AND stored_at > now64(6) - INTERVAL 1 DAY) AS waiting
FROM spans FINAL
WHERE project = {project:String}
    AND expires_on >= {first:Date}
    AND expires_on <= {last:Date}
    AND booked_by != ''
GROUP BY source
ORDER BY source
LIMIT 100000
