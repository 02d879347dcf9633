"""The book: run chapters, build pages that need no network, and check what was built.

- ``driver``: execute one notebook with other parameters (papermill underneath).
- ``kernel``: the kernel in which it is executed.
- ``execution``: execute all chapters, two at a time.
- ``build``: stage, execute, build strictly; ``python -m reprise.book build``.
- ``sphinx_ext``: the local Sphinx extension: offline assets and checks.
- ``display``: figures as inline SVG with caption, alternative text and provenance.

Nothing heavy is imported here, so that the command line answers at once.
"""
