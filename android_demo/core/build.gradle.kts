plugins {
    `java-library`
}

tasks.withType<JavaCompile>().configureEach {
    options.release = 8
    // Java 8 is what every Android has, and newer compilers warn that it is old.
    options.compilerArgs.addAll(listOf("-Xlint:all", "-Xlint:-options"))
}

// Tests count allocations with the JDK's own com.sun.management.
tasks.compileTestJava {
    options.release = 17
}

tasks.test {
    systemProperty("movistream.tests", rootDir.resolve("../tests").path)
    // What `python -m tests.model_cases` has written, if it has.
    val models = rootDir.resolve("../build/model-cases")
    if (models.exists()) {
        systemProperty("movistream.models", models.path)
    }
}

dependencies {
    testImplementation(libs.junit)
}
