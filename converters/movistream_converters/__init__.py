"""The converter: a small compiler from checkpoints to .tflite stream models.

checkpoint → :mod:`.formats` → network and weights → :mod:`.ir.passes` → :mod:`.tflite.lowering` →
file.
"""
