plugins {
    `java-library`
}

tasks.withType<JavaCompile>().configureEach {
    options.release = 8
    options.encoding = "UTF-8"
    options.compilerArgs.addAll(listOf("-Xlint:all", "-Xlint:-options"))
}

tasks.test {
    systemProperty("movistream.models", rootDir.resolve("../sdk/movistream/file/models").path)
    systemProperty("movistream.app", rootDir.resolve("app/src/main").path)
}

dependencies {
    api(project(":core"))
    testImplementation(libs.junit)
}
