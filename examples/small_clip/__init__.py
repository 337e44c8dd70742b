"""The parts of ``train_clip.py``, one idea a file: ``pairs``, ``model``, ``words``, ``retrieval``, ``checkpoint``, …

They are an example, not a library: copy what you need. Only ``pairs`` knows of laion-dataset.
"""
