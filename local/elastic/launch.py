"""The node's own process: `python -m local.elastic.launch SPEC.json`, what its keystore holds in the environment.

Starts the JVM in this process and builds the node by reflection: no bootstrap script, no checks of the machine, no refusal to run as root.
Ends as local/node/launch.py does. What is asked of each release differs a little; the differences are here and nowhere else.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jpype

from local.elastic.distribution import major
from local.node.launch import run, start_jvm

SECURE_IN = "PORTCULLIS_ELASTIC_SECURE"  # as JSON: setting -> value, the password of `elastic` among them


def build(spec: dict[str, Any]) -> Any:
    """Start the JVM and return the node, not yet started."""
    home, release = Path(spec["home"]), major(spec["version"])
    start_jvm(spec, spec["classpath"])
    java = jpype.JClass
    log = java("org.elasticsearch.common.logging.LogConfigurator")
    if release >= 8:
        log.configureESLogging()
    settings = java("org.elasticsearch.common.settings.Settings").builder()
    for name, value in spec["settings"].items():
        if isinstance(value, list):
            settings.putList(name, *value)
        else:
            settings.put(name, str(value).lower() if isinstance(value, bool) else str(value))
    conf = java("java.nio.file.Paths").get(str(home / "config"))
    settings.setSecureSettings(_secure(java, conf, json.loads(os.environ.pop(SECURE_IN))))
    environment = java("org.elasticsearch.env.Environment")(settings.build(), conf)
    if release >= 7:
        log.setNodeName(spec["settings"]["node.name"])
    if release >= 8:
        try:
            log.configure(environment, False)
        except TypeError:
            log.configure(environment)
        return _with_plugins(java, environment, release)
    log.configure(environment)
    return java("portcullis.Node68" if release == 6 else "org.elasticsearch.node.Node")(environment)


def _secure(java: Any, conf: Any, secrets: dict[str, str]) -> Any:
    """The node's keystore with these besides what an earlier start or the keystore tool put there."""
    wrapper = java("org.elasticsearch.common.settings.KeyStoreWrapper")
    kept = wrapper.load(conf)
    if kept is None:
        kept = wrapper.create()
    else:
        kept.decrypt(characters(""))
    setter = next(one for one in kept.getClass().getDeclaredMethods() if one.getName() == "setString")
    setter.setAccessible(True)  # not public before 8
    for name, value in secrets.items():
        setter.invoke(kept, [java("java.lang.String")(name), characters(value)])
    kept.save(conf, characters(""))
    return kept


def characters(text: str) -> Any:
    return jpype.JArray(jpype.JChar)(list(text))


def _with_plugins(java: Any, environment: Any, release: int) -> Any:
    loader = java("org.elasticsearch.plugins.PluginsLoader")
    if hasattr(environment, "modulesDir"):
        modules, plugins = environment.modulesDir(), environment.pluginsDir()
    else:
        modules, plugins = environment.modulesFile(), environment.pluginsFile()
    more = (False,) if release >= 9 else ()
    found = loader.loadModulesBundles(modules, *more), loader.loadPluginsBundles(plugins, *more)
    nothing = java("java.util.Map").of()
    return java("org.elasticsearch.node.Node")(environment, loader.createPluginsLoader(*found, nothing, False))


if __name__ == "__main__":
    run(build, Path(sys.argv[1]))
