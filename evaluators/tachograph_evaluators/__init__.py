"""Celery: plan what to judge, judge it, watch the rules, deliver alerts."""
