"""Property tests of this folder have no time limit of their own: machines differ."""

from hypothesis import settings

settings.register_profile("without_deadline", deadline=None)
settings.load_profile("without_deadline")
