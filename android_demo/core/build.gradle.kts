plugins {
    `java-library`
    `maven-publish`
}

java {
    withSourcesJar()
    withJavadocJar()
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
    // Cases that Python's tests read too: a change of one has the tests run again.
    val cases = rootDir.resolve("../tests")
    systemProperty("movistream.tests", cases.path)
    inputs.files(fileTree(cases) { include("*_cases/**/*.json", "*.json") })
        .withPropertyName("sharedCases")
        .withPathSensitivity(PathSensitivity.RELATIVE)
    // What `python -m tests.model_cases` has written, if it has.
    val models = rootDir.resolve("../build/model-cases")
    if (models.exists()) {
        systemProperty("movistream.models", models.path)
        inputs.dir(models).withPropertyName("models").withPathSensitivity(PathSensitivity.RELATIVE)
    }
}

dependencies {
    // Whoever compiles against this sees what may be null; nothing of it is needed at run time.
    compileOnlyApi(libs.jspecify)
    testImplementation(libs.junit)
}

publishing {
    publications {
        create<MavenPublication>("core") {
            artifactId = "movistream-core"
            from(components["java"])
            pom {
                name = "movistream core"
                description = "Streaming video networks, one frame at a time: models, states, frames, scores, events"
                licenses {
                    license {
                        name = "Apache-2.0"
                        url = "https://www.apache.org/licenses/LICENSE-2.0.txt"
                    }
                }
            }
        }
    }
}
