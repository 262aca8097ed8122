"""The commands of the command line, one module for each room; a3core/__main__.py lists them."""
