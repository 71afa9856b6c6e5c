"""Where the window of the bundle begins."""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()

    from ui.app import main

    sys.exit(main())
