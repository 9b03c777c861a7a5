"""Networks to choose from, and what each of them costs on a device."""
