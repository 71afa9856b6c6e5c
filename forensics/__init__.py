"""DriveCustody without its window: images, examines and proves what was on a returned drive."""

__version__ = "0.1.0"
