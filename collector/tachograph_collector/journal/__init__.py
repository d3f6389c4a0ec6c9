"""The journal: what was acknowledged and is not in the store yet.

A request is answered after its record was fsynced (`journal.Journal`); one thread (`drain_loop`)
merges records to blocks, writes them to the store, enters what became of them in the books, and
deletes the segments behind it.

    <journal_dir>/<journal id>/     one process owns it, by a lock that ends with the process
        0000000001.segment          records, one behind the other
        state.json                  how far the drain is, and the books since the last line
        intent.json                 the block that is being sent
        sending, sending.lock       the spans of that block, and whether they are on their way
        reserve                     room for state.json on a full disk
    <journal_dir>/quarantine/       rows that the engine refused, and records that were damaged
    <journal_dir>/drain.lock        held while a process sees whether others send the same spans
"""
