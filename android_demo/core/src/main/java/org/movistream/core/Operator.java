package org.movistream.core;

import java.util.Map;

/** One operator of a graph. */
final class Operator {
    /** In place of the index of an operand that is missing. */
    static final int OPTIONAL_TENSOR = -1;

    final String name;
    final Format.Rules rules;
    /** Indices of the tensors that it reads. */
    final int[] inputs;
    /** Indices of the tensors that it writes. */
    final int[] outputs;
    /** By name, those that are not written at their defaults. */
    final Map<String, Object> options;
    /** In the schema's union; 0 for none. */
    final int optionsType;

    Operator(String name, Format.Rules rules, int[] inputs, int[] outputs,
            Map<String, Object> options, int optionsType) {
        this.name = name;
        this.rules = rules;
        this.inputs = inputs;
        this.outputs = outputs;
        this.options = options;
        this.optionsType = optionsType;
    }

    long option(String name) {
        return (Long) options.get(name);
    }
}
