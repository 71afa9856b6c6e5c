"""What every suite needs: a user data folder that is nobody's."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _state_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The last self-test of the person who runs the tests is neither read nor overwritten."""
    before = os.environ.get("DRIVECUSTODY_STATE")
    os.environ["DRIVECUSTODY_STATE"] = str(tmp_path_factory.mktemp("state"))
    yield
    if before is None:
        del os.environ["DRIVECUSTODY_STATE"]
    else:
        os.environ["DRIVECUSTODY_STATE"] = before
