"""The core of the demo: one package per room, none of which imports gradio outside `a3core.ui`."""
