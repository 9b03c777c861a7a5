"""The demo: the models in the box on clips whose truth is known, or on a camera."""
