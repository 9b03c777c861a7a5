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
        versionName = project.version.toString()
        ndk {
            // What phones have, and emulators on a PC.
            abiFilters += listOf("arm64-v8a", "x86_64")
        }
    }

    // The models in the box: the same files as in the Python package.
    sourceSets.getByName("main").assets.srcDir("../../sdk/movistream/file/models")

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
    }

    lint {
        abortOnError = true
        checkDependencies = true
        htmlReport = true
    }
}

dependencies {
    implementation(project(":core"))
    implementation(project(":demo"))
    implementation(project(":litert"))
    implementation(libs.litert.gpu)
}
