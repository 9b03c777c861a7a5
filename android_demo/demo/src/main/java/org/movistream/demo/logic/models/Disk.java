package org.movistream.demo.logic.models;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Where copies are written; tests have one that fills up. */
public class Disk {
    /** Bytes that may still be written into a folder. */
    public long usableBytes(File folder) {
        return folder.getUsableSpace();
    }

    /** Writes a file anew; what was written is on the disk once it is closed. */
    public OutputStream create(File file) throws IOException {
        return new FileOutputStream(file) {
            @Override
            public void close() throws IOException {
                if (getFD().valid()) {
                    getFD().sync();
                }
                super.close();
            }
        };
    }
}
