plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "org.movistream.demo"
    compileSdk = 36

    defaultConfig {
        applicationId = "org.movistream.demo"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
    }

    buildTypes {
        release {
            isMinifyEnabled = false
        }
    }
}

val model = layout.projectDirectory.file("src/main/assets/camera-motion.int8.tflite").asFile

// The model is built by this project, not kept in its history.
val requireModel by tasks.registering {
    val path = model.path
    doLast {
        if (!File(path).exists()) {
            throw GradleException("$path is missing: run 'make android-model' in the root folder")
        }
    }
}

tasks.named("preBuild") {
    dependsOn(requireModel)
}

dependencies {
    implementation(project(":core"))
    implementation(project(":demo"))
    implementation(libs.litert)
    implementation(libs.litert.gpu)
}
