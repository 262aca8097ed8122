"""The Grader tab. Begin with `tab`, then `label`."""
