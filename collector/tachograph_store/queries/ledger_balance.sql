-- The books in full, since they began: both sides of each equation by source and signal.
--
--     received = accepted + rejected
--     accepted = stored + duplicate + waiting + quarantined
--     stored = live + expired + forgotten                      (spans)
--
-- `book` is one look at the lines of the books, and the spans are looked at after it: lines say by
-- `block` up to where they have entered the spans of a journal, so that rows on their way are told apart
-- (`not_entered`). `live`, and what expired or is marked as forgotten since the last count, come from the
-- rows themselves. `outside` are rows that no books have: imported ones, and those of older versions.
-- Clients' own lines are cumulative since the client started.
WITH
    (
        SELECT
            (
                groupArrayIf((source, signal, outcome, reason, total, last_time), outcome NOT IN ('block', 'expired_through', 'forgotten_mark')),
                arrayPushBack(groupArrayArray(block_books), ''), arrayPushBack(groupArrayArray(block_numbers), 0),
                toUInt16(maxIf(total, outcome = 'expired_through')),
                toUInt16(maxIf(total, outcome = 'forgotten_mark'))
            )
        FROM
        (
            SELECT
                source, signal, outcome, reason, sum(lines.count) AS total, max(lines.last_time) AS last_time,
                groupArrayIf(toString(collector), outcome = 'block') AS block_books,
                groupArrayIf(lines.count, outcome = 'block') AS block_numbers
            FROM
            (
                SELECT
                    collector, source, signal, outcome, reason,
                    if(startsWith(collector, 'client:'), max(ledger.count), argMax(ledger.count, version)) AS count,
                    max(time) AS last_time
                FROM ledger
                WHERE project = {project:String} AND (sequence = 0 OR startsWith(collector, 'client:'))
                GROUP BY collector, source, signal, outcome, reason
            ) AS lines
            GROUP BY source, signal, outcome, reason
        )
    ) AS book
SELECT
    source,
    signal,
    sumIf(number, outcome IN ('received', 'waiting')) AS received,
    sumIf(number, outcome IN ('accepted', 'waiting')) AS accepted,
    sumIf(number, outcome = 'rejected') AS rejected,
    sumIf(number, outcome = 'stored') AS stored,
    sumIf(number, outcome = 'duplicate') AS duplicate,
    sumIf(number, outcome = 'waiting') AS waiting,
    sumIf(number, outcome = 'quarantined') AS quarantined,
    sumIf(number, outcome = 'live') AS live,
    sumIf(number, outcome = 'expired') AS expired,
    sumIf(number, outcome = 'forgotten') AS forgotten,
    sumIf(number, outcome = 'dropped') AS dropped,
    sumIf(number, outcome = 'submitted') AS submitted,
    sumIf(number, outcome = 'not_entered') AS not_entered,
    sumIf(number, outcome = 'outside') AS outside,
    toInt64(received) - toInt64(accepted + rejected) AS received_difference,
    toInt64(accepted) - toInt64(stored + duplicate + waiting + quarantined) AS accepted_difference,
    if(signal = 'spans', toInt64(stored) - toInt64(live + expired + forgotten), NULL) AS stored_difference,
    sumMapIf(map(concat(outcome, ':', reason), number), reason != '') AS reasons,
    maxIf(last_time, number > 0) AS last_time
FROM
(
    SELECT
        line.1 AS source, line.2 AS signal, line.3 AS outcome, line.4 AS reason, line.5 AS number,
        line.6 AS last_time
    FROM (SELECT arrayJoin(book.1) AS line)
    UNION ALL
    SELECT booked_source, 'spans', counted.1, '', counted.2, toDateTime64(0, 6, 'UTC')
    FROM
    (
        -- One key and conditions: five times as fast as a group a state.
        WITH
            booked_block < transform(booked_by, book.2, book.3, toUInt64(0)) AS is_entered,
            toUInt16(expires_on) AS day,
            toUInt16(toDate(now('UTC'))) AS today
        SELECT
            booked_source,
            [
                ('live', countIf(is_entered AND day > greatest(today, book.4))),
                ('expired', countIf(is_entered AND day >= 10957 AND day > book.4 AND day <= today)),
                ('forgotten', countIf(is_entered AND day < 10957 AND day != book.5)),
                ('not_entered', countIf(booked_by != '' AND NOT is_entered)),
                ('outside', countIf(booked_by = ''))
            ] AS counts
        FROM spans FINAL
        WHERE project = {project:String}
        GROUP BY booked_source
    )
    ARRAY JOIN counts AS counted
)
GROUP BY source, signal
ORDER BY source, signal
LIMIT 10000
