package org.movistream.core;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;

/** Numbers and moments as Python writes them. */
final class Numbers {
    private Numbers() {}

    /**
     * A finite number rounded to so many digits behind the point, of which its text has as many as
     * are needed, but one at least.
     */
    static BigDecimal rounded(double value, int digits) {
        BigDecimal exact = new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN);
        BigDecimal shortest = exact.signum() == 0 ? BigDecimal.ZERO : exact.stripTrailingZeros();
        return shortest.setScale(Math.max(1, shortest.scale()));
    }

    /** A moment in UTC, ISO 8601 with milliseconds. */
    static String utc(long epochMs) {
        SimpleDateFormat format =
                new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'+00:00'", Locale.US);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        return format.format(new Date(epochMs));
    }
}
