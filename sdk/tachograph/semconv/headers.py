"""HTTP headers of the sidecar and the collector."""

REQUEST_ID = "x-request-id"
"""Joins client, proxy and engine spans; made by the sidecar when the client sent none."""

COUNTED_BY = "x-tachograph-counted-by"
"""Response header of the sidecar: its span counts this request, value `proxy`. A client that sees
it marks its own span `tachograph.counted = false`."""

TENANT = "x-tachograph-tenant"
"""Request header, believed only with `trust_tenant_header`."""

USER = "x-tachograph-user"
SESSION = "x-tachograph-session"
VARIANT = "x-tachograph-variant"
"""Request headers that the SDK's `wrap` sends so that the sidecar's span carries the same facts;
taken as claims inside the caller's own project. They are not forwarded upstream."""

PRIORITY = "x-tachograph-priority"
"""Request header `high`, `medium` or `low`: the class in which a request waits for the engine; at
most its tenant's own. Not forwarded upstream."""

CONTENT_CAPTURE = "x-tachograph-content-capture"
"""Request header `off`: this one call's content is not recorded. Can only lower the setting."""
