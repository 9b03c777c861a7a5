# Where fetch_tools.sh has put things; to be sourced with $tools set.
native=$tools/native/usr
jdk=$native/lib/jvm/java-17-openjdk-amd64
jars=$tools/java/usr/share/java
android_jar=$tools/old/usr/lib/android-sdk/platforms/android-23/android.jar
framework=$tools/java/usr/share/android-framework-res/framework-res.apk
libraries=$native/lib/x86_64-linux-gnu
export PATH=$jdk/bin:$PATH

# Runs one of Debian's own programs with the libraries that came with it.
native() { # PROGRAM ARGUMENT...
    local program=$native/bin/$1
    shift
    LD_LIBRARY_PATH=$libraries/android:$libraries:$native/lib:$native/lib/p7zip "$program" "$@"
}

# Compiles Kotlin; its output is what it warns of.
kotlinc() { # CLASSPATH ARGUMENT...
    local classpath=$1
    shift
    java -cp "$tools/kotlin/*" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect \
        -cp "$classpath:$(echo "$tools"/kotlin/kotlin-stdlib-*.jar)" "$@"
}
