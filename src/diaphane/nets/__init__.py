"""Networks in torch: a readable file each, its paper on top. Nothing outside ``nets`` and ``train`` imports torch."""
