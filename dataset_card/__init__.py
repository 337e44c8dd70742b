"""What dataset cards say: templates and one line per column. Content only, read through ``importlib.resources``."""
