"""What the labels say: shares with intervals, agreement, paired tests.

Begin with `build.build_report`.
"""
