import fcntl

import pytest
from conftest_tools import header, run_search  # noqa: I001
