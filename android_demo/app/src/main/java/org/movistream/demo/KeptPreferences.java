package org.movistream.demo;

import android.content.Context;
import android.content.SharedPreferences;
import org.movistream.demo.logic.settings.Preferences;

/** Android's preferences; all values are texts. */
final class KeptPreferences implements Preferences {
    private final SharedPreferences kept;

    KeptPreferences(Context context) {
        kept = context.getSharedPreferences("settings", Context.MODE_PRIVATE);
    }

    @Override
    public String get(String name) {
        return kept.getString(name, null);
    }

    @Override
    public void put(String name, String value) {
        kept.edit().putString(name, value).apply();
    }
}
