"""Labelled drives: made-up people, a drive that holds some of them, and the truth about it, all from a seed.

Independent of the program under test: own names, spellings and rules, and nothing imported from `forensics`. Who judges
the program by these drives (`drive.py`) reads only what its command line promises to scripts.

"""
