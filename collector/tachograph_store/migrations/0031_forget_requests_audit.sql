-- Who asked to forget, where it is worked on, how far that is and what was found: no names of the forgotten.
ALTER TABLE forget_requests {on_cluster}
    ADD COLUMN IF NOT EXISTS requested_by String,
    ADD COLUMN IF NOT EXISTS host String,
    ADD COLUMN IF NOT EXISTS step String,
    ADD COLUMN IF NOT EXISTS found Map(String, UInt64),
    ADD COLUMN IF NOT EXISTS error Nullable(String)
