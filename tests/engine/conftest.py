"""Generated examples are judged by what they compute, not by how busy the machine is."""

from hypothesis import settings

settings.register_profile("engine", deadline=None)
settings.load_profile("engine")
