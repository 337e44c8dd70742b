"""The engine of laion-dataset: each folder or file is one step that a pair goes through, or one idea that steps share.

Users import :mod:`laion_dataset`; docs/ARCHITECTURE.md says which folder does what and which way imports point.
"""

__version__ = "0.1.0"
