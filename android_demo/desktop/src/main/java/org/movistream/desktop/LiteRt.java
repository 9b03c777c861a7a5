package org.movistream.desktop;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.Collections;

/**
 * The few functions of LiteRT 2.3's C library that an engine needs, as litert/c declares them.
 *
 * <p>Handles are pointers, {@code LiteRtParamIndex} and {@code size_t} are 64 bits, and a status
 * other than 0 is an error.
 */
final class LiteRt {
    /** {@code kLiteRtHwAcceleratorCpu}. */
    static final int CPU = 1;

    private LiteRt() {}

    /** Binds the functions below to a library file; once per process. */
    static void load(String libraryPath) {
        Native.register(LiteRt.class, NativeLibrary.getInstance(libraryPath,
                Collections.singletonMap(com.sun.jna.Library.OPTION_STRING_ENCODING, "UTF-8")));
    }

    static native int LiteRtCreateEnvironment(
            int optionCount, Pointer options, PointerByReference environment);

    static native int LiteRtCreateModelFromFile(
            Pointer environment, String path, PointerByReference model);

    static native int LiteRtGetNumModelSignatures(Pointer model, Pointer count);

    static native int LiteRtGetModelSignature(
            Pointer model, long index, PointerByReference signature);

    static native int LiteRtGetSignatureKey(Pointer signature, PointerByReference key);

    static native int LiteRtGetNumSignatureInputs(Pointer signature, Pointer count);

    static native int LiteRtGetNumSignatureOutputs(Pointer signature, Pointer count);

    static native int LiteRtGetSignatureInputName(
            Pointer signature, long index, PointerByReference name);

    static native int LiteRtGetSignatureOutputName(
            Pointer signature, long index, PointerByReference name);

    static native int LiteRtGetSignatureInputTensorByIndex(
            Pointer signature, long index, PointerByReference tensor);

    static native int LiteRtGetSignatureOutputTensorByIndex(
            Pointer signature, long index, PointerByReference tensor);

    static native int LiteRtGetRankedTensorType(Pointer tensor, Pointer type);

    static native int LiteRtCreateOptions(PointerByReference options);

    static native void LiteRtDestroyOptions(Pointer options);

    static native int LiteRtSetOptionsHardwareAccelerators(Pointer options, int accelerators);

    static native int LiteRtCreateOpaqueOptions(String identifier, Pointer payload,
            Pointer destructor, PointerByReference opaque);

    static native int LiteRtAddOpaqueOptions(Pointer options, Pointer opaque);

    static native int LiteRtCreateCompiledModel(Pointer environment, Pointer model,
            Pointer options, PointerByReference compiledModel);

    static native int LiteRtGetCompiledModelInputBufferRequirements(
            Pointer compiledModel, long signature, long input, PointerByReference requirements);

    static native int LiteRtGetCompiledModelOutputBufferRequirements(
            Pointer compiledModel, long signature, long output, PointerByReference requirements);

    static native int LiteRtCreateManagedTensorBufferFromRequirements(Pointer environment,
            Pointer type, Pointer requirements, PointerByReference buffer);

    static native int LiteRtGetTensorBufferHostMemory(
            Pointer buffer, PointerByReference address);

    static native int LiteRtGetTensorBufferPackedSize(Pointer buffer, Pointer size);

    static native int LiteRtRunCompiledModel(Pointer compiledModel, long signature,
            long inputCount, Pointer inputs, long outputCount, Pointer outputs);

    static native void LiteRtDestroyTensorBuffer(Pointer buffer);

    static native void LiteRtDestroyCompiledModel(Pointer compiledModel);

    static native void LiteRtDestroyModel(Pointer model);
}
