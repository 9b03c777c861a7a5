plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
}

// One version for the whole project: the Python packages' file says it.
val versionFile = layout.projectDirectory.file("../sdk/movistream/_version.py")
val versionText = providers.fileContents(versionFile).asText.get()
val written = Regex("""__version__ = "(.+)"""").find(versionText)!!.groupValues[1]

subprojects {
    group = "org.movistream"
    version = written
}
