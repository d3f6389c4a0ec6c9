"""Why the demo ended without having shown everything."""


class DemoFailed(Exception):
    """A stage was not seen; the message says what was waited for and what there was instead."""
