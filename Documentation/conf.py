# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx: the pages as HTML, with what the sources say of themselves (scripts/docs)."""

import os
import sys

# kernel-doc and its directive are those of the kernel source
kernel = os.environ["KERNEL_SOURCE"]
sys.path.insert(0, f"{kernel}/Documentation/sphinx")

project = "An open gateway for modular energy metering"
extensions = ["kerneldoc"]
kerneldoc_bin = f"{kernel}/scripts/kernel-doc"
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
primary_domain = "c"
highlight_language = "none"
html_theme = "alabaster"
html_show_copyright = False
