#!/bin/bash
# Assembles and verifies the app without Gradle, an SDK, or LiteRT's own library.
#
#   build_apk.sh TOOLS OUTPUT
#
# TOOLS is what fetch_tools.sh made. The app is compiled against
# the Android API 23 (all that it uses is there, so nothing newer than its least version, 26, can
# be called unguarded) and against stubs of LiteRT. The APK is signed with a key that is made here
# and thrown away: it is for checking, and without LiteRT's library it cannot watch.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$1" && pwd)
output=$2
# shellcheck source=tools.sh
. "$here/tools.sh"

least_api=26
app=$here/../app/src/main
rm -rf "$output"
mkdir -p "$output"/{sources,classes,stubs,assets,content}
cp "$here"/../../sdk/movistream/file/models/*.tflite "$output/assets"

native aapt2 compile --dir "$app/res" -o "$output/resources.zip"
# Gradle merges manifests and so knows the marks of the namespace "tools"; aapt2 does not.
"${PYTHON:-python3}" "$here/merged_manifest.py" "$app/AndroidManifest.xml" > "$output/AndroidManifest.xml"
native aapt2 link -o "$output/unaligned.apk" -I "$framework" \
    --manifest "$output/AndroidManifest.xml" --java "$output/sources" \
    --min-sdk-version $least_api --target-sdk-version 36 --version-code 1 --version-name check \
    -A "$output/assets" "$output/resources.zip"

# Android 6 does not know the annotations' target, the use of a type.
mkdir -p "$output/annotations"
for file in "$here"/annotations/org/jspecify/annotations/*.java; do
    sed '/Target/d; /ElementType/d' "$file" > "$output/annotations/$(basename "$file")"
done
javac --release 8 -Xlint:all,-options -Werror -d "$output/stubs" \
    -cp "$android_jar" $(find "$here/stubs" "$output/annotations" -name '*.java')
# Not --release: the boot classes must be Android's, so that Java's own newer ones are refused.
javac -encoding UTF-8 -source 8 -target 8 -Xlint:all,-options,-deprecation -Werror \
    -bootclasspath "$android_jar" -cp "$output/stubs" -d "$output/classes" \
    $(find "$here"/../{core,litert,demo}/src/main "$app/java" "$output/sources" -name '*.java')

java -cp "$tools/old/usr/share/java/com.android.dx.jar" com.android.dx.command.Main --dex \
    --min-sdk-version=$least_api --output="$output/content/classes.dex" "$output/classes"
cp -r "$here/../core/src/main/resources/." "$output/content"
(cd "$output/content" && native zip -q -r ../unaligned.apk .)

native zipalign 4 "$output/unaligned.apk" "$output/demo.apk"
keytool -genkeypair -keystore "$output/key.p12" -storepass throw-away -alias key -keyalg RSA \
    -keysize 2048 -validity 1 -dname CN=check 2> "$output/keytool.log" ||
    { cat "$output/keytool.log"; exit 1; }
apksigner() {
    java -cp "$jars/apksigner.jar:$jars/apksig.jar" com.android.apksigner.ApkSignerTool "$@"
}
apksigner sign --ks "$output/key.p12" --ks-pass pass:throw-away "$output/demo.apk"
rm "$output/key.p12"
native zipalign -c 4 "$output/demo.apk"
apksigner verify --min-sdk-version $least_api --verbose "$output/demo.apk" > "$output/verified.txt"
native aapt2 dump badging "$output/demo.apk" > "$output/badging.txt"
echo "built $output/demo.apk"
