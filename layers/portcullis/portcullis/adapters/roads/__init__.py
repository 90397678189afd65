"""Who may become whoever is mapped, asked of AWS."""
