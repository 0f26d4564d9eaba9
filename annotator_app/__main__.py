"""`python -m annotator_app` is the command `annotator`."""

import sys

from annotator_app import main

if __name__ == "__main__":
    sys.exit(main())
