"""Signatures and time stamps read strictly: what custody and report both ask of a CMS file, in one place below them."""
