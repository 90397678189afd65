"""What the operations ask of the world, a file a theme. The adapters stand behind these protocols."""
