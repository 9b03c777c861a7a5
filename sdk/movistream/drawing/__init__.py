"""Pictures of what was seen: annotated frames, videos, a timeline."""
