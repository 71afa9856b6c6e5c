"""The only room that opens a disk: an exhibit becomes an image, and an image becomes volumes, files and bytes."""
