"""Questions about people, answered over a scene that was read once. Changes nothing."""
