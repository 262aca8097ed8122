"""The page: the only place that imports gradio.

Begin with `demo.build_demo`, its table of contents; each tab is one folder.
"""
