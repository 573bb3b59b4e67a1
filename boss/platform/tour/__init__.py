"""`manage.py tour`: the one path, walked from outside over HTTP as a stranger, a CSR, field staff and an integrator.

Nothing here touches BOSS's database or imports its rooms: what the tour says it saw, anybody could have seen. The
router that asks a real DHCP server for its address is the lab's own.
"""
