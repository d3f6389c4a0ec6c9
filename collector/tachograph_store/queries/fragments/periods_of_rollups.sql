-- Whole hours where no minute has to be read from spans, and single minutes around them.
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
