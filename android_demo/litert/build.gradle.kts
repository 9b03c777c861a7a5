plugins {
    alias(libs.plugins.android.library)
    `maven-publish`
}

android {
    namespace = "org.movistream.litert"
    compileSdk = 36

    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    publishing {
        singleVariant("release") {
            withSourcesJar()
            withJavadocJar()
        }
    }
}

dependencies {
    api(project(":core"))
    api(libs.litert)
    compileOnlyApi(libs.jspecify)
}

publishing {
    publications {
        register<MavenPublication>("litert") {
            artifactId = "movistream-litert"
            afterEvaluate { from(components["release"]) }
            pom {
                name = "movistream on LiteRT"
                description = "LiteRT's CompiledModel as movistream's engine on Android, and camera images as its frames"
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
