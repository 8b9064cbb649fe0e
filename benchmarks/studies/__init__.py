"""Figures of the documents that no command of songrec prints: ``python -m benchmarks.studies``.

Each file is one study: ``NEEDS`` says which files below the data folder it reads, ``study`` gives
the lines of a Markdown page. All of them call songrec's own functions.
"""
