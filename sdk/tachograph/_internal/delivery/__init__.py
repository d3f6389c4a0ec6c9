"""Bounded, retrying, counted delivery of spans, metric points and log events by OTLP/HTTP."""

from tachograph._internal.delivery.books import Counts
from tachograph._internal.delivery.delivery import Delivery
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import AttributeValue, LogEvent, MetricPoint

__all__ = ["AttributeValue", "Counts", "Delivery", "DeliveryOptions", "LogEvent", "MetricPoint"]
