"""Where the console program of the bundle begins."""

import multiprocessing
import sys

if __name__ == "__main__":
    # A worker is this program started again: here it turns into one, before anything heavy is loaded.
    multiprocessing.freeze_support()

    from forensics.cli import main

    sys.exit(main())
