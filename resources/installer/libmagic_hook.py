"""Makes python-magic use the libmagic and the database of the bundle, and never those of the computer it runs on.

python-magic asks `find_library`, which knows only the system's libraries: it would take a libmagic of another version,
or find none on a bare computer. This runs before any other module of the bundle.
"""

import ctypes.util
import os
import sys
from pathlib import Path

bundled = Path(sys._MEIPASS) / "pylibmagic"  # type: ignore[attr-defined]
library = bundled / ("libmagic.dylib" if sys.platform == "darwin" else "libmagic.so.1")
if library.exists():
    of_the_system = ctypes.util.find_library
    os.environ["MAGIC"] = str(bundled / "magic.mgc")
    ctypes.util.find_library = lambda name: str(library) if name == "magic" else of_the_system(name)
