"""The strip that shows a job of the server: progress, time left, Cancel, and at its end the file or what went wrong.

A component puts `JOB_HTML` where the strip belongs and joins `JOB_JS` and `JOB_CSS` to its own.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

JOB_HTML = """
<div class="jb"><div class="jb-now" hidden>
    <div class="jb-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"><i></i></div>
    <span class="jb-facts"></span><button type="button" class="jb-cancel"></button></div>
  <p class="jb-said" role="alert" hidden></p><a class="jb-file" download hidden></a></div>
"""
JOB_CSS = (HERE / "jobs.css").read_text(encoding="utf-8")
JOB_JS = (HERE / "jobs.js").read_text(encoding="utf-8")
