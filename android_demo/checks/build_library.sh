#!/bin/bash
# Assembles the libraries without Gradle or an SDK, as other apps would take them.
#
#   build_library.sh TOOLS OUTPUT
#
# TOOLS is what fetch_tools.sh made. Makes movistream-core-VERSION.jar and movistream-litert-VERSION.aar,
# each with its sources and Javadoc, and signs them with a key that is made here and thrown away: they
# are for checking. Then compiles the samples of docs/android.md against them, Java and Kotlin.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$1" && pwd)
output=$2
# shellcheck source=tools.sh
. "$here/tools.sh"

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$here/../../sdk/movistream/_version.py")
rm -rf "$output"
mkdir -p "$output"/{stubs,core,litert,aar,samples}
output=$(cd "$output" && pwd)
core=$here/../core/src/main
litert=$here/../litert

sources() { find "$@" -name '*.java'; }
javac --release 8 -Xlint:all,-options -Werror -cp "$android_jar" -d "$output/stubs" \
    $(sources "$here/stubs" "$here/annotations")
javac --release 8 -Xlint:all,-options -Werror -cp "$output/stubs" -d "$output/core" \
    $(sources "$core/java")
cp -r "$core/resources/." "$output/core"
# That it calls nothing newer than Android has, the app's build checks.
javac --release 8 -Xlint:all,-options -Werror -cp "$output/stubs:$output/core:$android_jar" \
    -d "$output/litert" $(sources "$litert/src/main/java")

# A library's jar, its sources and its documentation.
pack() { # NAME CLASSES SOURCES CLASSPATH
    local name=$output/$1-$version
    jar --create --file "$name.jar" -C "$2" .
    jar --create --file "$name-sources.jar" -C "$3" .
    javadoc -quiet -Xdoclint:all,-missing -Werror -encoding UTF-8 -source 8 -cp "$4" \
        -d "$output/$1-javadoc" $(sources "$3") > "$output/$1-javadoc.log" 2>&1 ||
        { cat "$output/$1-javadoc.log"; return 1; }
    jar --create --file "$name-javadoc.jar" -C "$output/$1-javadoc" .
}
pack movistream-core "$output/core" "$core/java" "$output/stubs"
pack movistream-litert "$output/litert" "$litert/src/main/java" "$output/stubs:$output/core:$android_jar"

# An AAR is a zip of classes, a manifest that says its package, and rules for whoever shrinks an app.
mv "$output/movistream-litert-$version.jar" "$output/aar/classes.jar"
sed 's#<manifest #<manifest package="org.movistream.litert" #' \
    "$litert/src/main/AndroidManifest.xml" > "$output/aar/AndroidManifest.xml"
cp "$litert/consumer-rules.pro" "$output/aar/proguard.txt"
: > "$output/aar/R.txt"
jar --create --no-manifest --file "$output/movistream-litert-$version.aar" -C "$output/aar" .

keytool -genkeypair -keystore "$output/key.p12" -storepass throw-away -alias key -keyalg RSA \
    -keysize 2048 -validity 1 -dname CN=check 2> "$output/keytool.log" ||
    { cat "$output/keytool.log"; exit 1; }
for library in "$output"/*.jar "$output"/*.aar; do
    jarsigner -keystore "$output/key.p12" -storepass throw-away "$library" key > "$output/signed.txt"
    jarsigner -verify -strict -keystore "$output/key.p12" -storepass throw-away "$library" \
        >> "$output/signed.txt" || { cat "$output/signed.txt"; exit 1; }
done
rm "$output/key.p12"

# What a reader of the page would compile, against what he would get.
"${PYTHON:-python3}" "$here/check_docs.py" "$here/../../docs/android.md" "$output/samples"
mkdir -p "$output/samples/classes"
library=$output/movistream-core-$version.jar:$output/aar/classes.jar
# Android's newer ways of Java, such as lambdas, are translated by what builds an app.
javac --release 8 -Xlint:all,-options -Werror -cp "$library:$output/stubs:$android_jar" \
    -d "$output/samples/classes" $(sources "$output/samples")
kotlinc "$library:$output/stubs:$android_jar" -Werror -d "$output/samples/classes" \
    $(find "$output/samples" -name '*.kt')
# Kotlin knows what may be null: who forgets it is refused.
mkdir "$output/careless"
sed 's/shown != null \&\& //' "$output/samples/MotionAnalyzer.kt" > "$output/careless/MotionAnalyzer.kt"
if kotlinc "$library:$output/stubs:$android_jar" -d "$output/careless" "$output/careless/MotionAnalyzer.kt" \
    > "$output/careless/log.txt" 2>&1; then
    echo "Kotlin does not know what may be null"
    exit 1
fi
grep -q "actual type is 'Image?'" "$output/careless/log.txt"
echo "built movistream-core $version and movistream-litert $version"
