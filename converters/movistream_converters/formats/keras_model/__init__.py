"""Keras 3's files of functional and sequential models that see clips causally.

A model is read without running its code: what its layers are, from the JSON of the file
(:mod:`.archive`, :mod:`.parsing`); what each of them means to a stream, from a table by class
name (:mod:`.layers`); what time and padding have become on the way, from the values between them
(:mod:`.values`). :mod:`.emitting` puts the network together, :mod:`.reader` the source.
"""
