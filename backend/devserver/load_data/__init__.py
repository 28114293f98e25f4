"""Load data: a province's feedback of ten years, to measure how the system works when it is full.

A few thousand courses are counted by the same functions as real tickets (`patterns`). The database multiplies each into
tickets of many units with texts of their own (`statements`), history and seals included.
"""
