"""AWS and the engines, behind the ports. One adapter knows no other, and no operation knows one."""
