package org.movistream.demo;

import android.content.ContentResolver;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.IOException;
import java.io.InputStream;
import org.movistream.demo.logic.models.Document;

/** A document of another app. */
final class UriDocument implements Document {
    private final ContentResolver resolver;
    private final Uri uri;

    UriDocument(ContentResolver resolver, Uri uri) {
        this.resolver = resolver;
        this.uri = uri;
    }

    @Override
    public String name() {
        String told = column(OpenableColumns.DISPLAY_NAME);
        return told != null ? told : uri.getLastPathSegment();
    }

    @Override
    public long bytes() {
        String told = column(OpenableColumns.SIZE);
        return told == null ? -1 : Long.parseLong(told);
    }

    @Override
    public InputStream open() throws IOException {
        return resolver.openInputStream(uri);
    }

    private String column(String name) {
        try (Cursor cursor = resolver.query(uri, new String[] {name}, null, null, null)) {
            boolean there = cursor != null && cursor.moveToFirst() && cursor.getColumnCount() > 0;
            return there && !cursor.isNull(0) ? cursor.getString(0) : null;
        }
    }
}
