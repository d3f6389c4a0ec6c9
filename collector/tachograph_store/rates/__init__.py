"""Pure statistics over scores and people's labels: no store, no files, the standard library only.

They live beside the store because the collector's REST and the dashboard both show them, and services
never import each other.
"""
