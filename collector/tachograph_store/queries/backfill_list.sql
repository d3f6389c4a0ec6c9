-- Backfills, the latest begun first; of every project when {project} is ''.
SELECT
    project,
    evaluator AS backfill_id,
    state,
    cursor,
    due_at AS changed_at
FROM jobs FINAL
WHERE ({project:String} = '' OR project = {project:String})
  AND kind = 'backfill'
ORDER BY backfill_id DESC
LIMIT 1000
