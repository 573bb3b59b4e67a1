"""The demo realms of this house, entered into the registry when the platform's app is ready."""

from __future__ import annotations

from boss.platform.demo import platform_realm
from boss.platform.demo.highprairie import seed as highprairie
from boss.platform.demo.keystone import seed as keystone
from boss.platform.demo.registry import seeds
from boss.platform.demo.trilakes import seed as trilakes

seeds.register("10-trilakes", trilakes.SEED)
seeds.register("20-highprairie", highprairie.SEED)
seeds.register("30-keystone", keystone.SEED)
seeds.register("90-platform", platform_realm.SEED)
