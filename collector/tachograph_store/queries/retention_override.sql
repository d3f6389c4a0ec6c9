-- What a project has instead of the settings' days.
SELECT project, spans_days, content_days, readings_days, rollups_days, version
FROM retention FINAL
WHERE project = {project:String}
