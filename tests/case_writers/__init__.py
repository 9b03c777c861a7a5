"""Writes the cases that runtimes in other languages are tested with too, from Python's own answers.

    python -m tests.case_writers

writes all of them anew; a test says where a file is not what would be written.
"""
