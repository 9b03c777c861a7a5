package org.movistream.core;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Files in which Linux tells of processes and machines, a name and a value a line. */
final class ProcFile {
    private ProcFile() {}

    /** What stands behind a name and a colon, in the first such line; empty if nowhere. */
    static String value(String path, String name) {
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                new FileInputStream(path), StandardCharsets.US_ASCII))) {
            String line;
            while ((line = reader.readLine()) != null) {
                int colon = line.indexOf(':');
                if (colon >= 0 && line.substring(0, colon).trim().equals(name)) {
                    return line.substring(colon + 1).trim();
                }
            }
        } catch (IOException error) {
            return ""; // Some kernels lack the file, some systems do not show it.
        }
        return "";
    }
}
