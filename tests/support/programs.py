"""Programs of the machine that some tests need: a browser, an SFTP server, a database server.

`make test` needs nothing but Python, so without them these tests are skipped, and say so. Where
`KLASSEPULS_PROGRAMS=required` is set, as in `.ci/run`, they fail instead.
"""

import os
import shutil
from typing import NoReturn

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(package: str) -> NoReturn:
    """End the test that cannot be made without a package of Debian's."""
    if os.environ.get("KLASSEPULS_PROGRAMS") == "required":
        pytest.fail(f"not installed here: Debian's package {package}")
    pytest.skip(f"not installed here: Debian's package {package}")


def browser_here() -> str:
    """The path of the system's Chromium."""
    return next(filter(None, map(shutil.which, BROWSERS)), None) or missing("chromium")
