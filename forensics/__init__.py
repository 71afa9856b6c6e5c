"""DriveCustody without its window: images, examines and proves what was on a returned drive."""

import os

__version__ = "0.1.0"

# No linear algebra is done here, and each worker would start with the threads that NumPy keeps for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
