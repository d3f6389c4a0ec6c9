"""Patterns and checksums that find personal data, credentials and injection phrases in text.

Pure standard library and linear time, so that they can run anywhere content passes: in the SDK
before it leaves the process, in the sidecar, the collector and the evaluators.

    >>> detect("write to ada@example.org")
    [Finding(start=9, stop=24, type='email', confidence=0.95)]
    >>> mask("write to ada@example.org")
    'write to [email]'
"""

from tachograph_detectors.finding import CATEGORIES, Category, Finding
from tachograph_detectors.scan import detect, mask

__all__ = ["CATEGORIES", "Category", "Finding", "detect", "mask"]
