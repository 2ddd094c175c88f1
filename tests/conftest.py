"""What every test gets: the leak detector, a PostgreSQL where asked for, the same hypothesis examples everywhere."""

import os

from hypothesis import settings

pytest_plugins = ["tests.leaks", "tests.parts", "tests.postgres"]

settings.register_profile("everywhere", deadline=None, derandomize=True, database=None)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everywhere"))
