"""The hall: the page and the modules of each tab, and the only place that imports gradio."""
