"""`python -m forensics` is the command `drivecustody`."""

from forensics.cli import main

if __name__ == "__main__":
    main()
