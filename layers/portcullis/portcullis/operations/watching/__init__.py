"""Do we still see, and has another road been opened?"""
