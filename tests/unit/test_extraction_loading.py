"""A reader is loaded when a content of its type comes, and every reader is there to be loaded."""

import subprocess
import sys

import pytest

from forensics.extraction.extract import EXTRACTORS


@pytest.mark.parametrize("kind", EXTRACTORS)
def test_every_reader_that_the_table_names_is_there(kind: str) -> None:
    assert callable(EXTRACTORS[kind].load())


def test_the_libraries_of_other_types_are_not_loaded_for_a_pdf() -> None:
    script = (
        "import sys; from forensics.extraction.extract import BytesReadable, extract;"
        "found = extract(BytesReadable(b'%PDF-1.4 and nothing more'), b'a.pdf'); assert found.type == 'pdf';"
        "print(sorted({'pypdfium2', 'numpy', 'py7zr', 'pyarrow', 'lxml', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['pypdfium2']"
