"""Programs of ``torch.export``, read without PyTorch, and made streams of."""
