"""The road by which access is changed: from the model to what the engine holds."""
