"""The parts of `train_clip.py`, one idea a file: ``model``, ``words``, ``pairs``, ``retrieval``, ``checkpoint``, ``report``.

They are an example, not a library: copy what you need. Only ``pairs`` knows of laion-dataset.
"""
