#!/bin/bash
# Checks the Android demo on a machine without Android: see docs/android.md.
#
#   check.sh FOLDER PYTHON FLOAT32_MODEL INT8_MODEL
#
# PYTHON has movistream installed. Everything that is fetched and built goes into FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
python=$(realpath -s "$2")
models=("$(realpath "$3")" "$(realpath "$4")")
root=$here/../..
# Cases that the tests write are written by the tests' own programs.
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
tools=$folder/tools

"$here/fetch_tools.sh" "$tools"
# shellcheck source=tools.sh
. "$here/tools.sh"

classes=$folder/classes
rm -rf "$classes" "$folder/expectations"
mkdir -p "$classes"/{annotations,core,core-tests,demo,demo-tests,desktop,desktop-tests,jna/com/sun/jna/linux-x86-64}
# Debian's JNA looks for its library in /usr/lib only, or among the classes.
cp "$tools/java/usr/lib/x86_64-linux-gnu/jni/libjnidispatch.system.so" \
    "$classes/jna/com/sun/jna/linux-x86-64/libjnidispatch.so"

sources() { find "$here/../$1" -name '*.java'; }
tests() { (cd "$here/../$1" && find . -name '*Test.java' | sed 's#^\./##; s#\.java$##; s#/#.#g'); }
junit=$jars/junit4.jar:$jars/hamcrest.jar:$jars/hamcrest-core.jar
lint=(-encoding UTF-8 -Xlint:all,-options -Werror)
# Java 8's language and library: what every Android has, and what dx takes.
strict=(--release 8 "${lint[@]}")
# Tests also count allocations, with what only a JDK has.
lenient=(-source 8 -target 8 "${lint[@]}")

echo "== core on the JVM"
# Annotations that say what may be null; nothing of them is needed at run time.
javac "${strict[@]}" -d "$classes/annotations" "$here"/annotations/org/jspecify/annotations/*.java
javac "${strict[@]}" -cp "$classes/annotations" -d "$classes/core" $(sources core/src/main)
cp -r "$here/../core/src/main/resources/." "$classes/core"
(cd "$root" && "$python" -m tests.model_cases "$folder/model-cases")
javac "${lenient[@]}" -cp "$classes/annotations:$classes/core:$junit" -d "$classes/core-tests" $(sources core/src/test)
java -Dmovistream.tests="$root/tests" -Dmovistream.models="$folder/model-cases" \
    -cp "$classes/core:$classes/core-tests:$junit" \
    org.junit.runner.JUnitCore $(tests core/src/test/java)

echo "== what the app decides, on the JVM"
javac "${strict[@]}" -cp "$classes/annotations:$classes/core" -d "$classes/demo" $(sources demo/src/main)
javac "${lenient[@]}" -cp "$classes/annotations:$classes/core:$classes/demo:$junit" -d "$classes/demo-tests" \
    $(sources demo/src/test)
java -Dmovistream.models="$root/sdk/movistream/file/models" -Dmovistream.app="$here/../app/src/main" \
    -cp "$classes/core:$classes/demo:$classes/demo-tests:$junit" \
    org.junit.runner.JUnitCore $(tests demo/src/test/java)
# To be looked at: light and dark, large text, right to left, narrow and wide.
java -Djava.awt.headless=true -cp "$classes/demo:$classes/demo-tests" \
    org.movistream.demo.logic.drawing.Pictures "$folder/drawings"

echo "== the shipped models, through JNA"
desktop=$classes/annotations:$classes/core:$classes/desktop:$classes/jna:$jars/jna.jar
javac "${strict[@]}" -cp "$desktop" -d "$classes/desktop" $(sources desktop/src/main)
javac "${lenient[@]}" -cp "$desktop:$junit" -d "$classes/desktop-tests" \
    $(sources desktop/src/test)
"$python" "$here/expectations.py" "$folder/expectations" "${models[@]}"
litert=$("$python" -c 'import ai_edge_litert, pathlib
print(pathlib.Path(ai_edge_litert.__file__).with_name("libLiteRt.so"))')
# A heap of constant size, so that memory that grows is not the heap's.
java=(java -Xms192m -Xmx192m -XX:+AlwaysPreTouch -XX:+UseSerialGC
    "-Dmovistream.litert=$litert" "-Dmovistream.expectations=$folder/expectations"
    -cp "$desktop:$classes/desktop-tests:$junit")
"${java[@]}" org.junit.runner.JUnitCore $(tests desktop/src/test/java) \
    > "$folder/parity.txt" 2> "$folder/parity.log" ||
    { grep -v '^INFO' "$folder/parity.log" || true; cat "$folder/parity.txt"; exit 1; }
grep -v TABLE "$folder/parity.txt"

echo "== the command-line twin"
"$here/check_twin.sh" "$folder" "$litert" "${models[@]}" "$python" "${java[@]}"

echo "== the app"
PYTHON=$python "$here/build_apk.sh" "$tools" "$folder/apk"
"$python" "$here/check_apk.py" "$folder/apk"
"$python" "$here/check_bytecode.py" "$folder/apk/classes"
"$python" "$here/check_gradle.py" "$here/.."
"$here/check_kotlin_syntax.sh" "$tools" "$here/.."

echo "== the libraries"
PYTHON=$python "$here/build_library.sh" "$tools" "$folder/libraries"
"$python" "$here/check_library.py" "$folder/libraries"

echo "== Python and the JVM in turns, 1 thread"
"$python" "$here/latency.py" "$folder/parity.txt" "${models[@]}" -- \
    "${java[@]}" org.movistream.desktop.RoundServer

cat << 'END'

All Android checks passed. What could not be checked here:
- running on a device: the camera, the screens, LiteRT's Android library, its GPU, real latency;
- the Gradle build itself, which needs Google's Maven repository and an Android SDK;
- Android's lint and R8.
END
