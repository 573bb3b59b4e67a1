"""Keystone Community Networks, the third provider: managed Wi-Fi in apartment buildings, paid by their owners."""
