"""The window: it reads a case through `forensics.casefile.views` and starts the command line for everything else."""
