"""The emulated AWS of the embedded default: MiniStack, started on loopback, with what it lacks added.

`emulator.Emulator` starts and stops it from the outside. `launch` is the process itself. Every other module here is one
addition: what the emulator lacks or does unlike the real service, each with its reason and the real behaviour it copies.
`ADDITIONS` in `launch` is the complete list. No file of MiniStack is changed; it is patched in memory, version pinned.
"""
