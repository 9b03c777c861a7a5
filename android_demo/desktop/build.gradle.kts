plugins {
    application
}

tasks.compileJava {
    options.release = 8
    options.compilerArgs.addAll(listOf("-Xlint:all", "-Xlint:-options"))
}

tasks.compileTestJava {
    options.release = 17
}

application {
    mainClass = "org.movistream.desktop.CommandLine"
}

// These need LiteRT's library and files that Python writes; see checks/check.sh.
tasks.test {
    val litert = providers.systemProperty("movistream.litert")
    val expectations = providers.systemProperty("movistream.expectations")
    onlyIf { litert.isPresent }
    systemProperty("movistream.litert", litert.getOrElse(""))
    systemProperty("movistream.expectations", expectations.getOrElse(""))
}

dependencies {
    implementation(project(":core"))
    implementation(libs.jna)
    testImplementation(libs.junit)
}
