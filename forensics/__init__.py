"""DriveCustody without its window: images, examines and proves what was on a returned drive."""

import os

__version__ = "0.1.0"

# No linear algebra is done here, and the threads that NumPy starts for it cost each worker a third of its start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
