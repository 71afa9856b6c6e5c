"""The worked example, made once for all that is asked of it."""

import pytest
from worked_example import Example, make_example


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return make_example(tmp_path_factory.mktemp("worked-example"))
