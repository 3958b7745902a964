"""Means shared by all tests: this folder is importable, and Hypothesis has one profile.

Pytest puts the folder of a `conftest.py` on the import path, which is what makes
``import corpus_reader`` work in every test below it.
"""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# What is compiled for a test is not kept for others, nor in the folder of whoever runs them.
os.environ["CARRUNTIME_CACHE"] = "off"

# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: two busy cores make single examples slow without anything being wrong.
settings.register_profile(
    "project", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("project")
