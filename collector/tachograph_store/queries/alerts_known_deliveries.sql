-- Which of these messages have a row already.
SELECT DISTINCT delivery_id
FROM deliveries
WHERE project = {project:String} AND has({delivery_ids:Array(String)}, delivery_id)
