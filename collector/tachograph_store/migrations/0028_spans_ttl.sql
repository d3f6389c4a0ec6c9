-- As in 0011: rows that expired or are marked as forgotten wait until the books have counted them; the
-- engine's own TTL is the safety net a week later.
ALTER TABLE spans {on_cluster}
    MODIFY TTL expires_on + INTERVAL 7 DAY DELETE WHERE toUInt16(expires_on) > 10957
