package org.movistream.litert;

import android.media.Image;
import android.media.MediaCodec;
import android.media.MediaExtractor;
import android.media.MediaFormat;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.movistream.core.EngineException;
import org.movistream.core.RecordingPacer;
import org.movistream.core.YuvFrame;

/**
 * A video's frames as a network is to see them, decoded by the device: those that
 * {@link RecordingPacer} picks, upright, with times from the video's start.
 *
 * <p>For one thread at a time, but for {@link #stop}.
 */
public final class VideoFrames implements AutoCloseable {
    /** Takes frames. */
    public interface Taker {
        /**
         * Looks at a frame.
         *
         * @param frame valid until this returns.
         * @param timeS in seconds since the video's start.
         */
        void take(YuvFrame frame, double timeS) throws EngineException;
    }

    private static final long WAIT_US = 10_000;
    private static final double US_PER_S = 1e6;
    private static final int MOST_FRAMES = 1 << 24;
    /** A decoder that neither takes nor gives anything for so many waits has failed: 30 s. */
    private static final int MOST_IDLE_WAITS = 3000;

    private final MediaExtractor extractor = new MediaExtractor();
    private final MediaFormat format;
    private final int rotationDegrees;
    private volatile boolean stopped;

    /**
     * Opens a video's file.
     *
     * @throws IOException if it cannot be read, or holds no video; the message says which.
     */
    public VideoFrames(String path) throws IOException {
        this(path, null);
    }

    /**
     * Opens a video by a descriptor, as a content provider gives it; the caller closes that.
     *
     * @throws IOException if it cannot be read, or holds no video; the message says which.
     */
    public VideoFrames(FileDescriptor descriptor) throws IOException {
        this(null, descriptor);
    }

    private VideoFrames(@Nullable String path, @Nullable FileDescriptor descriptor)
            throws IOException {
        try {
            if (path != null) {
                extractor.setDataSource(path);
            } else {
                extractor.setDataSource(descriptor);
            }
            format = selected(extractor);
        } catch (IOException | IllegalArgumentException | SecurityException error) {
            extractor.release();
            throw new IOException("the video cannot be read: " + error.getMessage(), error);
        }
        rotationDegrees = format.containsKey(MediaFormat.KEY_ROTATION)
                ? format.getInteger(MediaFormat.KEY_ROTATION) : 0;
    }

    /**
     * Decodes the video, and shows what a network of a rate is to see of it.
     *
     * @param framesPerSecond that the network was trained on; 0 for all frames.
     * @throws IOException if the device cannot decode it, or it is damaged.
     * @throws EngineException if the taker fails.
     */
    public void show(double framesPerSecond, Taker taker) throws IOException, EngineException {
        long[] picked = RecordingPacer.picked(times(), framesPerSecond);
        MediaCodec codec = null;
        try {
            codec = MediaCodec.createDecoderByType(format.getString(MediaFormat.KEY_MIME));
            codec.configure(format, null, null, 0);
            codec.start();
            decode(codec, picked, taker);
        } catch (IllegalArgumentException | IllegalStateException error) {
            throw new IOException("this device cannot decode the video: " + error.getMessage(),
                    error);
        } finally {
            if (codec != null) {
                codec.release();
            }
        }
    }

    /** Ends {@link #show} after its next frame; any thread may ask. */
    public void stop() {
        stopped = true;
    }

    @Override
    public void close() {
        extractor.release();
    }

    private void decode(MediaCodec codec, long[] picked, Taker taker)
            throws IOException, EngineException {
        MediaCodec.BufferInfo info = new MediaCodec.BufferInfo();
        YuvFrame frame = new YuvFrame();
        boolean fed = false;
        int idleWaits = 0;
        while (!stopped && (info.flags & MediaCodec.BUFFER_FLAG_END_OF_STREAM) == 0) {
            boolean takes = !fed;
            if (takes) {
                int input = codec.dequeueInputBuffer(0);
                takes = input >= 0;
                fed = takes && feed(codec, input);
            }
            int output = codec.dequeueOutputBuffer(info, WAIT_US);
            idleWaits = takes || output >= 0 ? 0 : idleWaits + 1;
            if (idleWaits > MOST_IDLE_WAITS) {
                throw new IOException("the device's decoder gives nothing any more");
            }
            if (output < 0) {
                info.flags = 0;
                continue;
            }
            try {
                if (info.size > 0 && Arrays.binarySearch(picked, info.presentationTimeUs) >= 0) {
                    Image image = codec.getOutputImage(output);
                    if (image == null) {
                        throw new IOException("this device decodes the video into no image");
                    }
                    CameraImages.show(image, rotationDegrees, frame);
                    taker.take(frame, (info.presentationTimeUs - picked[0]) / US_PER_S);
                }
            } finally {
                codec.releaseOutputBuffer(output, false);
            }
        }
    }

    /** Hands the decoder the next packet; returns whether that was the end. */
    private boolean feed(MediaCodec codec, int input) {
        int size = extractor.readSampleData(codec.getInputBuffer(input), 0);
        if (size < 0) {
            codec.queueInputBuffer(input, 0, 0, 0, MediaCodec.BUFFER_FLAG_END_OF_STREAM);
            return true;
        }
        codec.queueInputBuffer(input, 0, size, extractor.getSampleTime(), 0);
        extractor.advance();
        return false;
    }

    /** When all frames are shown, in µs, in the order of decoding; goes back to the start. */
    private long[] times() throws IOException {
        long[] times = new long[1024];
        int count = 0;
        for (; extractor.getSampleTime() >= 0 && count < MOST_FRAMES; count++) {
            if (count == times.length) {
                times = Arrays.copyOf(times, 2 * count);
            }
            times[count] = extractor.getSampleTime();
            extractor.advance();
        }
        if (count == 0) {
            throw new IOException("the video has no frame");
        }
        extractor.seekTo(0, MediaExtractor.SEEK_TO_PREVIOUS_SYNC);
        return Arrays.copyOf(times, count);
    }

    private static MediaFormat selected(MediaExtractor extractor) throws IOException {
        for (int track = 0; track < extractor.getTrackCount(); track++) {
            MediaFormat format = extractor.getTrackFormat(track);
            String kind = format.getString(MediaFormat.KEY_MIME);
            if (kind != null && kind.startsWith("video/")) {
                extractor.selectTrack(track);
                return format;
            }
        }
        throw new IOException("it holds no video");
    }
}
