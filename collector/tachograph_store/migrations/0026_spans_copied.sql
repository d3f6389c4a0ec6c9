-- For each hour of spans_coarse
-- one statement. After a kill all hours are copied again: merges drop what is there twice.
INSERT INTO spans
SELECT * FROM spans_coarse
WHERE start_time >= toDateTime({hour:UInt32}, 'UTC') AND start_time < toDateTime({hour:UInt32} + 3600, 'UTC')
